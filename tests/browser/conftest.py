"""A real browser in front of the whole studio."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.up import PASSWORD, REQUESTS, UpStudio


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/browser --pictures docs/images` keeps a picture of every tab."""
    parser.addoption("--pictures", type=Path, help="folder for a picture of every tab")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Keep a picture of a page on which a test failed, where `--pictures` asks for some."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    folder = item.config.getoption("--pictures", default=None)
    if report.failed and page is not None and folder is not None:
        page.screenshot(path=folder / f"failed-{item.name}.png", full_page=True)
    return report


@pytest.fixture(scope="session")
def picture(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Take a picture of a page, where `--pictures` asks for some."""
    folder = request.config.getoption("--pictures", default=None)

    def take(page: Page, name: str) -> None:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            page.mouse.move(0, 0)
            page.wait_for_timeout(1500)  # charts and tables draw themselves after the page
            page.screenshot(path=folder / f"{name}.png")

    return take


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_instruct: Path) -> Iterator[UpStudio]:
    """MLflow, the API and the UI."""
    studio = UpStudio(tmp_path_factory.mktemp("studio"), tiny_instruct)
    studio.start()
    yield studio
    studio.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("There is no chromium. Install Debian's package of that name.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def page(browser: Browser, studio: UpStudio) -> Iterator[Page]:
    """A page on which the first admin's account was made with the setup code."""
    page = open_page(browser, studio)
    page.get_by_label("Setup code").fill(studio.setup_code)
    page.get_by_label("Username").fill("anna")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=30_000)
    yield page
    page.context.close()


@pytest.fixture(scope="session")
def dataset(page: Page) -> str:
    """The name of the bundled dataset, uploaded and imported on `page`."""
    open_tab(page, "Data")
    page.locator("input[type=file]").set_input_files(REQUESTS)
    expect(page.get_by_text("refrig", exact=False).first).to_be_visible()
    page.get_by_label("Call it").fill("requests")
    page.get_by_role("button", name="Upload", exact=True).last.click()
    expect(page.get_by_label("Look at")).to_be_visible(timeout=90_000)
    return "requests"


def open_page(browser: Browser, studio: UpStudio) -> Page:
    """Return a page in a browser of its own, with nothing of other pages."""
    page = browser.new_context(viewport={"width": 1360, "height": 1100}).new_page()
    page.set_default_timeout(30_000)
    page.goto(studio.ui)
    return page


def open_more(page: Page, label: str) -> None:
    """Open an expander that is closed."""
    page.locator("summary").get_by_text(label, exact=True).click()


def sign_in(page: Page, username: str, password: str = PASSWORD) -> None:
    """Sign in on the first screen."""
    page.get_by_label("Username").first.fill(username)
    page.get_by_label("Password", exact=True).first.fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()


def open_tab(page: Page, name: str) -> None:
    """Open one of the studio's tabs and wait until it is drawn."""
    page.get_by_role("tab", name=name, exact=True).click()
    expect(page.get_by_role("tab", name=name, exact=True)).to_have_attribute(
        "aria-selected", "true"
    )
    page.wait_for_function("!document.querySelector('[data-test-script-state=running]')")
