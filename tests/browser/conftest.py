"""The whole studio, started as a user starts it, and a real browser in front of it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).parents[2]
REQUESTS = ROOT / "data" / "samples" / "refrigeration_requests.jsonl"
PASSWORD = "four words nobody guesses"
_START_SECONDS = 180
_CODE = re.compile(r"once: (\S+)")


@dataclass(frozen=True)
class RunningStudio:
    """A studio that answers."""

    ui: str
    setup_code: str


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/browser --pictures docs/images` keeps a picture of every tab."""
    parser.addoption("--pictures", type=Path, help="folder for a picture of every tab")


@pytest.fixture(scope="module")
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


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """MLflow, the API and the UI on free ports over empty folders, and the model if it is here."""
    folder = tmp_path_factory.mktemp("studio")
    model = ROOT / "data" / "models" / "tiny-instruct"
    if model.is_dir():  # else the first job makes it, which takes a minute
        shutil.copytree(model, folder / "data" / "models" / "tiny-instruct")
    ui = _free_port()
    environment = {
        **os.environ,
        "CREWTUNE_UI_PORT": str(ui),
        "CREWTUNE_API_PORT": str(_free_port()),
        "CREWTUNE_MLFLOW_PORT": str(_free_port()),
        "CREWTUNE_DATA_DIR": str(folder / "data"),
        "CREWTUNE_MLRUNS_DIR": str(folder / "mlruns"),
    }
    said = folder / "said.txt"
    with said.open("wb") as out:
        command = [sys.executable, "-m", "backend.up"]
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)
    try:
        yield RunningStudio(f"http://127.0.0.1:{ui}", _wait_for_code(child, said))
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(timeout=60)
        _end_workers(folder / "data")


def _end_workers(data: Path) -> None:
    """End the jobs that a failed test left: they outlive the studio on purpose."""
    for process in psutil.process_iter(["environ"]):
        if (process.info["environ"] or {}).get("CREWTUNE_DATA_DIR") == str(data):
            process.kill()


def _wait_for_code(child: "subprocess.Popen[bytes]", said: Path) -> str:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and child.poll() is None:
        code = _CODE.search(said.read_text(encoding="utf-8"))
        if code:
            return code.group(1)
        time.sleep(0.5)
    raise AssertionError(f"The studio did not start:\n{said.read_text(encoding='utf-8')}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("There is no chromium. Install Debian's package of that name.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(browser: Browser, studio: RunningStudio) -> Iterator[Page]:
    """A page on which the first admin's account was made with the setup code."""
    page = open_page(browser, studio)
    page.get_by_label("Setup code").fill(studio.setup_code)
    page.get_by_label("Username").fill("anna")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible(timeout=30_000)
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def dataset(page: Page) -> str:
    """The name of the bundled dataset, uploaded and imported on `page`."""
    open_tab(page, "Data")
    page.locator("input[type=file]").set_input_files(REQUESTS)
    expect(page.get_by_text("refrig", exact=False).first).to_be_visible()
    page.get_by_label("Call it").fill("requests")
    page.get_by_role("button", name="Upload", exact=True).last.click()
    expect(page.get_by_label("Look at")).to_be_visible(timeout=90_000)
    return "requests"


def open_page(browser: Browser, studio: RunningStudio) -> Page:
    """Return a page in a browser of its own, with nothing of other pages."""
    page = browser.new_context(viewport={"width": 1360, "height": 1100}).new_page()
    page.set_default_timeout(30_000)
    page.goto(studio.ui)
    return page


def open_tab(page: Page, name: str) -> None:
    """Open one of the studio's tabs and wait until it is drawn."""
    page.get_by_role("tab", name=name, exact=True).click()
    expect(page.get_by_role("tab", name=name, exact=True)).to_have_attribute(
        "aria-selected", "true"
    )
    page.wait_for_function("!document.querySelector('[data-test-script-state=running]')")
