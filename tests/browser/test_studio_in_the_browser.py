"""The path of a newcomer, click by click. The tests share one studio and one account."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import open_page, open_tab, sign_in
from tests.up import UpStudio

pytestmark = pytest.mark.prove

TRAINED_MS = 1_200_000  # a minute or two on a machine that does nothing else
Picture = Callable[[Page, str], None]


def test_a_refreshed_page_stays_signed_in_without_a_token_that_scripts_can_read(
    page: Page,
) -> None:
    page.reload()

    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert "crewtune" not in page.evaluate("document.cookie")
    stored = "JSON.stringify([{...localStorage}, {...sessionStorage}])"
    assert not re.search("eyJ|ctr_|crewtune_session", page.evaluate(stored))
    kept = next(one for one in page.context.cookies() if one["name"] == "crewtune_session")
    assert (kept["httpOnly"], kept["sameSite"]) == (True, "Strict")


def start(page: Page, *, seed: int, epochs: int, picture: Picture | None = None) -> None:
    """Start a training with two hasty clicks."""
    open_tab(page, "Training")
    page.get_by_role("tab", name="New training").click()
    page.get_by_label("Seed").fill(str(seed))
    page.get_by_label("Seed").press("Enter")
    expect(page.get_by_text("The recipe is made for this machine")).to_be_visible()
    page.get_by_role("button", name="Recommend a recipe").click()
    expect(page.get_by_role("cell", name="learning_rate")).to_be_visible(timeout=120_000)
    if picture is not None:
        picture(page, "training")
    page.get_by_text("Expert: change any value").click()
    page.get_by_label("num_train_epochs").fill(str(epochs))
    page.get_by_label("num_train_epochs").press("Enter")
    page.get_by_text("The same as a recipe file").click()
    expect(page.get_by_text(f"--set num_train_epochs={epochs}")).to_be_visible()

    page.get_by_role("button", name="Start training").dblclick()

    expect(page.get_by_text("was sent to the queue")).to_be_visible()


def train(page: Page, seed: int, picture: Picture | None = None) -> None:
    """Start a training of one epoch, and watch it to its end."""
    start(page, seed=seed, epochs=1, picture=picture)
    expect(page.locator(".stVegaLiteChart").first).to_be_visible(timeout=TRAINED_MS)
    badge = page.locator(".stMarkdownBadge", has_text="succeeded")
    expect(badge).to_be_visible(timeout=TRAINED_MS)


def test_a_training_is_started_once_watched_and_seen_to_the_end(
    page: Page, dataset: str, picture: Picture
) -> None:
    train(page, 41, picture)

    picture(page, "queue")
    page.get_by_label("Watch").click()
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Escape")


def test_a_training_is_compared_with_its_base(page: Page, dataset: str, picture: Picture) -> None:
    open_tab(page, "Training")
    page.get_by_role("tab", name="Queue and curves").click()

    page.get_by_role("button", name="Compare with the base").click()

    verdict = page.locator(".stMarkdownBadge", has_text=re.compile(r"^\s*(not )?better\s*$"))
    expect(verdict).to_be_visible(timeout=TRAINED_MS)
    expect(page.get_by_text("held-out rows were compared")).to_be_visible()
    picture(page, "comparison")


def test_a_training_is_cancelled_and_resumed(page: Page, dataset: str) -> None:
    start(page, seed=45, epochs=40)
    badge = page.locator(".stMarkdownBadge")
    expect(badge.filter(has_text="running")).to_be_visible(timeout=60_000)
    expect(page.locator(".stVegaLiteChart").first).to_be_visible(timeout=TRAINED_MS)

    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(badge.filter(has_text="cancelled")).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_text("Going on from step")).to_be_visible(timeout=TRAINED_MS)

    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(badge.filter(has_text="cancelled")).to_be_visible(timeout=60_000)


def test_a_second_browser_finds_everything_as_it_is(
    page: Page, dataset: str, browser: Browser, studio: UpStudio
) -> None:
    other = open_page(browser, studio)
    sign_in(other, "anna")
    open_tab(other, "Data")

    expect(other.get_by_label("Look at")).to_be_visible()

    other.get_by_role("button", name="Sign out", exact=True).click()
    expect(other.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    other.reload()
    expect(other.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    other.context.close()
    page.reload()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_a_training_goes_on_when_the_browser_is_closed(
    page: Page, dataset: str, browser: Browser, studio: UpStudio
) -> None:
    closed = open_page(browser, studio)
    sign_in(closed, "anna")
    start(closed, seed=44, epochs=2)
    closed.context.close()

    later = open_page(browser, studio)
    sign_in(later, "anna")
    open_tab(later, "Training")
    later.get_by_role("tab", name="Queue and curves").click()

    badge = later.locator(".stMarkdownBadge")
    expect(badge.filter(has_text="succeeded")).to_be_visible(timeout=TRAINED_MS)
    expect(later.locator(".stVegaLiteChart").first).to_be_visible()
    later.context.close()


def test_a_crew_run_shows_four_receipts_and_a_verdict(
    page: Page, dataset: str, picture: Picture
) -> None:
    open_tab(page, "Crew")
    page.get_by_label("Goal").fill("Read a service request and answer with its intent as JSON.")
    page.get_by_role("button", name="Start", exact=True).click()

    expect(page.get_by_text("was sent to the queue")).to_be_visible()
    expect(page.get_by_text("Receipt of the MLflow Monitor")).to_be_visible(timeout=TRAINED_MS)
    badge = page.locator(".stMarkdownBadge", has_text=re.compile(r"^\s*better\s*$"))
    expect(badge).to_be_visible(timeout=60_000)
    for agent in ("Data Manager", "Training Specialist", "Evaluation Expert"):
        expect(page.get_by_text(f"Receipt of the {agent}")).to_be_visible()
    picture(page, "crew")


def test_two_runs_are_compared(page: Page, dataset: str, picture: Picture) -> None:
    open_tab(page, "Experiments")  # of the tests before
    table = page.get_by_test_id("stDataFrame").first
    expect(table).to_be_visible()

    for middle_of_row in (50, 83):  # the table is a canvas: its check boxes are places on it
        table.click(position={"x": 16, "y": middle_of_row})
        page.wait_for_timeout(1000)

    expect(page.locator(".stVegaLiteChart").first).to_be_visible()
    expect(page.get_by_role("link", name="in MLflow")).to_have_count(2)
    picture(page, "experiments")


def test_every_other_tab_shows_what_is_there(page: Page, dataset: str, picture: Picture) -> None:
    open_tab(page, "Models & Datasets")
    expect(page.get_by_text("Models that are here")).to_be_visible()
    picture(page, "models")
    open_tab(page, "Data")
    expect(page.get_by_text("Row 1", exact=True)).to_be_visible()
    picture(page, "data")
    open_tab(page, "System")
    expect(page.get_by_text("Agents think with")).to_be_visible()
    picture(page, "system")


def test_text_of_a_dataset_runs_nothing(
    page: Page, dataset: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    said: list[str] = []
    page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    hostile = "<img src=x onerror=alert(1)><script>alert(2)</script>"
    path = tmp_path_factory.mktemp("hostile") / "hostile.jsonl"
    row = '{"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "x"}]}'
    path.write_text("\n".join([row % hostile] * 8), encoding="utf-8")
    open_tab(page, "Data")

    page.locator("input[type=file]").set_input_files(path)
    page.get_by_label("Call it").fill("a-hostile-one")
    page.get_by_role("button", name="Upload", exact=True).last.click()

    expect(page.get_by_text(hostile).first).to_be_visible(timeout=90_000)
    assert said == []
