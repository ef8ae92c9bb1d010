"""Guessing passwords gets slow, for an account and from an address, on both databases."""

import pytest
from sqlalchemy import Engine, func, select

from backend.accounts.accounts import Accounts
from backend.accounts.throttle import Attempt, Throttle
from backend.database import reading
from backend.errors import Refusal
from backend.tables.account import SignInFailure, User
from tests.backend.accounts.steps import at_once, sign_in, status_of
from tests.backend.api import MovableClock


def guess(accounts: Accounts, username: str = "anna", address: str = "192.0.2.1") -> int:
    return status_of(lambda: accounts.sign_in.with_password(username, "a guess", address))


def wait_of(accounts: Accounts, username: str = "anna") -> int:
    with pytest.raises(Refusal) as refused:
        sign_in(accounts, username)
    assert (refused.value.status_code, refused.value.code) == (429, "too_many_attempts")
    return int((refused.value.headers or {})["Retry-After"])


@pytest.mark.parametrize("username", ["anna", "nobody-at-all", "' OR 1=1 --", "\ud800"])
def test_after_ten_wrong_passwords_even_the_right_one_waits(
    accounts: Accounts, admin: User, username: str
) -> None:
    assert [guess(accounts, username) for _ in range(12)] == [401] * 10 + [429] * 2
    assert wait_of(accounts, username) == 30


def test_the_wait_grows_to_a_quarter_of_an_hour(
    accounts: Accounts, clock: MovableClock, admin: User
) -> None:
    for _ in range(10):
        guess(accounts)

    waits = []
    for _ in range(7):
        waits.append(wait_of(accounts))
        clock.move(seconds=waits[-1])
        assert guess(accounts) == 401

    assert waits == [30, 60, 120, 240, 480, 900, 900]


def test_a_success_begins_anew_and_so_does_a_quiet_hour(
    accounts: Accounts, clock: MovableClock, admin: User
) -> None:
    for _ in range(9):
        guess(accounts)
    sign_in(accounts)
    assert [guess(accounts) for _ in range(9)] == [401] * 9

    clock.move(hours=1, seconds=1)
    assert [guess(accounts) for _ in range(10)] == [401] * 10
    assert guess(accounts) == 429


def test_one_account_does_not_wait_for_anothers_guesses(accounts: Accounts, admin: User) -> None:
    for _ in range(11):
        guess(accounts, "nobody")

    sign_in(accounts)


def test_an_address_waits_after_fifty_and_its_own_successes_do_not_help(
    accounts: Accounts, admin: User
) -> None:
    for number in range(49):
        assert guess(accounts, f"user{number}", "192.0.2.9") == 401
        if number % 10 == 0:
            accounts.sign_in.with_password("anna", "a quiet river runs north", "192.0.2.9")

    assert guess(accounts, "one-more", "192.0.2.9") == 401
    assert guess(accounts, "anna", "192.0.2.9") == 429
    sign_in(accounts)  # from elsewhere


def test_the_addresses_of_one_network_count_as_one(engine: Engine, clock: MovableClock) -> None:
    throttle = Throttle(engine, clock)

    for number in range(50):
        throttle.count(Attempt(f"user{number}", f"2001:db8:0:1::{number:x}"))

    with pytest.raises(Refusal):
        throttle.check(Attempt("anna", "2001:db8:0:1:ffff::1"))
    throttle.check(Attempt("anna", "2001:db8:0:2::1"))
    throttle.check(Attempt("anna", None))


def test_guessing_at_once_gives_no_more_tries(engine: Engine, clock: MovableClock) -> None:
    throttle = Throttle(engine, clock)
    attempt = Attempt("anna", "192.0.2.1")

    results = at_once(*[lambda: throttle.count(attempt)] * 16)

    assert results.count(429) == 6


def test_old_failures_are_forgotten(engine: Engine, clock: MovableClock) -> None:
    throttle = Throttle(engine, clock)
    for number in range(5):
        throttle.count(Attempt(f"user{number}", f"192.0.2.{number}"))

    clock.move(days=1, seconds=1)
    throttle.count(Attempt("anna", "192.0.2.1"))

    with reading(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(SignInFailure)) == 2
