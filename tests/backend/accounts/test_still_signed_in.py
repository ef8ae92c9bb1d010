"""Whether long streams may go on, on both databases."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event

from backend.accounts.accounts import Accounts
from backend.accounts.still_signed_in import StillSignedIn
from backend.tables.account import User
from tests.backend.accounts.steps import at_once, caller, sign_in


class Seconds:
    """A clock that goes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def asked(engine: Engine) -> Iterator[list[str]]:
    """What the database was asked for users."""
    statements: list[str] = []

    def note(*given: object) -> None:
        statements.append(str(given[2]))

    event.listen(engine, "before_cursor_execute", note)
    yield statements
    event.remove(engine, "before_cursor_execute", note)


def test_a_thousand_streams_of_one_sign_in_are_one_question(
    accounts: Accounts, admin: User, asked: list[str]
) -> None:
    tokens = [sign_in(accounts).access_token for _ in range(2)]
    still = StillSignedIn(accounts.authenticator, Seconds())
    asked.clear()

    found = at_once(*[lambda: still.user_of(tokens[0])] * 20, *[lambda: still.user_of(tokens[1])])

    assert found == [admin.id] * 21
    assert sum("users" in statement for statement in asked) == 2


def test_a_sign_out_is_noticed_after_a_moment_and_touches_no_other(
    accounts: Accounts, admin: User
) -> None:
    clock = Seconds()
    still = StillSignedIn(accounts.authenticator, clock)
    here, there = sign_in(accounts).access_token, sign_in(accounts).access_token
    assert still.user_of(here) == admin.id
    session = caller(accounts, here).session_id
    assert session is not None
    accounts.sessions.end(session)

    clock.now = 3.0
    assert still.user_of(there) == admin.id
    clock.now = 6.0

    assert (still.user_of(here), still.user_of(there)) == (None, admin.id)


def test_what_is_no_token_is_nobodys(accounts: Accounts) -> None:
    still = StillSignedIn(accounts.authenticator)

    assert [still.user_of(token) for token in ("", "ct_guessed", "\ud800")] == [None] * 3
