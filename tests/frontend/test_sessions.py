import re

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from crewtune import Studio
from frontend.routes import session_routes
from frontend.sessions import COOKIE, LIFE_SECONDS, Sessions

OURS = {"Origin": "http://testserver"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(clock: Clock) -> Sessions:
    return Sessions(clock)


@pytest.fixture
def studio() -> Studio:
    return Studio("http://127.0.0.1:1")


@pytest.fixture
def browser(sessions: Sessions) -> TestClient:
    return TestClient(Starlette(routes=session_routes(sessions)))


def enter(browser: TestClient, ticket: str, headers: dict[str, str] = OURS) -> httpx2.Response:
    return browser.post("/session/enter", content=ticket, headers=headers)


def test_a_ticket_becomes_a_cookie_that_scripts_cannot_read(
    browser: TestClient, sessions: Sessions, studio: Studio
) -> None:
    session_id, ticket = sessions.open(studio)

    answer = enter(browser, ticket)

    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}={session_id};")
    assert re.search(r"HttpOnly.*SameSite=strict", cookie, re.IGNORECASE)
    assert sessions.find(session_id) is studio


def test_a_ticket_is_good_once(browser: TestClient, sessions: Sessions, studio: Studio) -> None:
    _, ticket = sessions.open(studio)

    assert enter(browser, ticket).status_code == 204
    assert enter(browser, ticket).status_code == 403


def test_a_ticket_is_good_for_a_minute(
    browser: TestClient, sessions: Sessions, studio: Studio, clock: Clock
) -> None:
    _, ticket = sessions.open(studio)
    clock.now += 61

    assert enter(browser, ticket).status_code == 403


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://["}]
)
def test_another_site_can_neither_sign_somebody_in_nor_out(
    browser: TestClient, sessions: Sessions, studio: Studio, headers: dict[str, str]
) -> None:
    session_id, ticket = sessions.open(studio)
    browser.cookies.set(COOKIE, session_id)

    assert enter(browser, ticket, headers).status_code == 403
    assert browser.post("/session/leave", headers=headers).status_code == 403
    assert sessions.find(session_id) is studio


@pytest.mark.parametrize("ticket", ["", "wrong", "x" * 10_000, "\x00\xff"])
def test_what_is_no_ticket_sets_no_cookie(browser: TestClient, ticket: str) -> None:
    answer = enter(browser, ticket)

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_leaving_forgets_the_session_and_clears_the_cookie(
    browser: TestClient, sessions: Sessions, studio: Studio
) -> None:
    session_id, ticket = sessions.open(studio)
    enter(browser, ticket)

    answer = browser.post("/session/leave", headers=OURS)

    assert sessions.find(session_id) is None
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_a_session_ends_with_its_refresh_token(
    sessions: Sessions, studio: Studio, clock: Clock
) -> None:
    session_id, _ = sessions.open(studio)
    clock.now += LIFE_SECONDS

    assert sessions.find(session_id) is None


def test_two_browsers_are_two_sessions(sessions: Sessions, studio: Studio) -> None:
    first, _ = sessions.open(studio)
    second, _ = sessions.open(studio)

    sessions.close(first)

    assert first != second
    assert sessions.find(first) is None
    assert sessions.find(second) is studio
