"""A broken file becomes a model: looked at, mapped, imported, repaired, and trained on."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import open_tab

pytestmark = pytest.mark.prove

WAIT_MS = 90_000
TRAINED_MS = 1_200_000
Picture = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Semicolons, Latin-1, columns in German, and a fault of each kind among sixty good rows."""
    rows = [f"Wie kühlt Gerät {number}?;Es kühlt auf {number} Grad." for number in range(60)]
    rows[6] = "Wie kühlt das leere Gerät?;"
    rows[11:13] = [rows[10]] * 2
    rows[20] = "Wer hilft bei Störungen?;Schreiben Sie an erika.mustermann@firma.de."
    path = tmp_path_factory.mktemp("broken") / "Störungen.csv"
    path.write_bytes("\n".join(["Frage;Antwort", *rows, ""]).encode("latin-1"))
    return path


def choose(page: Page, label: str, option: str) -> None:
    """Choose in a select box."""
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()
    expect(page.get_by_role("option")).to_have_count(0)
    settle(page)


def open_view(page: Page, name: str) -> None:
    """Open one of the tab's views."""
    settle(page)
    page.get_by_role("tab", name=name).click()


def settle(page: Page) -> None:
    """Wait until the page is drawn: a click on one that is being drawn may be lost."""
    page.wait_for_function("!document.querySelector('[data-test-script-state=running]')")
    page.wait_for_timeout(500)


def test_a_file_that_is_not_recognised_is_mapped_and_imported(
    page: Page, broken: Path, picture: Picture
) -> None:
    open_tab(page, "Data")
    page.locator("input[type=file]").set_input_files(broken)
    expect(page.get_by_text(broken.name).first).to_be_visible()
    page.get_by_label("Call it").fill("faults")
    page.get_by_role("button", name="Look at it first").click()
    expect(page.get_by_text("Columns: Frage (text), Antwort (text)")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_role("button", name="Import it")).to_have_count(0)
    picture(page, "data-not-recognised")

    choose(page, "Format", "question-answer")
    choose(page, "Prompt", "Frage")
    choose(page, "Answer", "Antwort")
    page.get_by_role("button", name="Look again with these").click()
    expect(page.get_by_text("Format: question-answer")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("Es kühlt auf 1 Grad.").first).to_be_visible()
    settle(page)
    picture(page, "data-wizard")
    page.get_by_role("button", name="Import it").click()

    expect(page.get_by_label("Look at", exact=True)).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_text("Row 1", exact=True)).to_be_visible()


def test_its_findings_lead_to_their_rows(page: Page, picture: Picture) -> None:
    open_view(page, "Findings")
    expect(page.get_by_text("Private values")).to_be_visible()
    settle(page)
    picture(page, "data-findings")

    page.get_by_test_id("stDataFrame").last.click(position={"x": 16, "y": 50})
    page.get_by_role("button", name="among the rows").click()

    expect(page.get_by_text("Row 7", exact=True)).to_be_visible()
    expect(page.get_by_text("Wie kühlt das leere Gerät?")).to_be_visible()


def test_it_is_repaired_and_no_version_is_lost(page: Page, picture: Picture) -> None:
    open_view(page, "Policy")
    masked = page.get_by_text("Schreiben Sie an [EMAIL].")
    expect(masked).to_be_visible(timeout=WAIT_MS)
    settle(page)
    masked.scroll_into_view_if_needed()
    picture(page, "data-policy")
    open_view(page, "Repairs")
    settle(page)

    page.get_by_role("button", name="Repair", exact=True).click()

    expect(page.get_by_text("57 rows; 57 usable.")).to_be_visible(timeout=WAIT_MS)
    settle(page)
    picture(page, "data-repairs")
    open_view(page, "Findings")
    expect(page.get_by_text("empty_answer")).to_have_count(0)


def test_the_other_views_are_drawn(page: Page, picture: Picture) -> None:
    open_view(page, "Split")
    page.get_by_role("button", name="Preview the split").click()
    expect(page.get_by_text("To train on")).to_be_visible(timeout=WAIT_MS)
    settle(page)
    picture(page, "data-split")
    open_view(page, "Tokens")
    page.get_by_role("button", name="Show the tokens").click()
    expect(page.locator(".tok .l").first).to_be_visible(timeout=WAIT_MS)
    settle(page)
    page.locator(".tok").last.scroll_into_view_if_needed()
    picture(page, "data-tokens")
    open_view(page, "Card")
    expect(page.get_by_text("How it was made").first).to_be_visible()
    settle(page)
    picture(page, "data-card")
    open_view(page, "Duplicates")
    expect(page.get_by_text("No row is like another.")).to_be_visible()
    settle(page)
    picture(page, "data-duplicates")


def test_it_is_trained_on(page: Page) -> None:
    open_tab(page, "Training")
    open_view(page, "New training")
    settle(page)
    choose(page, "Dataset", "faults")
    page.get_by_role("button", name="Recommend a recipe").click()
    expect(page.get_by_role("cell", name="learning_rate")).to_be_visible(timeout=WAIT_MS)
    page.get_by_text("Expert: change any value").click()
    page.get_by_label("num_train_epochs").fill("1")
    page.get_by_label("num_train_epochs").press("Enter")
    settle(page)

    page.get_by_role("button", name="Start training").click()

    badge = page.locator(".stMarkdownBadge", has_text="succeeded")
    expect(badge).to_be_visible(timeout=TRAINED_MS)
