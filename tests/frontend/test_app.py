from pathlib import Path

import pytest

from frontend.sessions import SESSIONS
from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import AppTest, texts

APP = Path(__file__).parents[2] / "frontend" / "app.py"


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio()


@pytest.fixture
def page(studio: FakeStudio) -> AppTest:
    session_id, _ = SESSIONS.open(studio)  # type: ignore[arg-type]
    page = AppTest.from_file(str(APP), default_timeout=20)
    page.secrets["api"] = "http://127.0.0.1:1"
    page.session_state["session_id"] = session_id
    return page.run()


def test_whoever_is_signed_in_sees_the_tabs_and_their_name(page: AppTest) -> None:
    assert not page.exception
    assert [tab.label for tab in page.tabs][:6] == [
        "Models & Datasets",
        "Data",
        "Training",
        "Crew",
        "Experiments",
        "System",
    ]
    assert "anna · member" in texts(page)


def test_a_tab_that_is_closed_asks_nothing(page: AppTest, studio: FakeStudio) -> None:
    assert "Find on the Hugging Face Hub" in texts(page)
    assert "Upload a file" not in texts(page)
    assert studio.asked == []


def test_signing_out_ends_the_session_here_and_in_the_api(
    page: AppTest, studio: FakeStudio
) -> None:
    session_id = page.session_state["session_id"]

    page.button(key="app_sign_out").click().run()

    assert studio.asked == [("sign_out",)]
    assert SESSIONS.find(session_id) is None
    assert "Nothing answers at http://127.0.0.1:1" in page.error[0].value.replace("\\", "")


def test_a_sign_in_that_ended_leads_to_the_first_screen(page: AppTest, studio: FakeStudio) -> None:
    session_id = page.session_state["session_id"]
    studio.signed_in = False

    page.run()

    assert page.info[0].value == "The sign-in has ended. Sign in again."
    assert SESSIONS.find(session_id) is None
