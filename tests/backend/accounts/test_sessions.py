"""Refreshing, signing out and changing the password, on both databases."""

from functools import partial

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, select, update
from sqlmodel import col

from backend.accounts.accounts import Accounts
from backend.accounts.sessions import TokenPair
from backend.accounts.sign_in import PasswordChange
from backend.database import reading, writing
from backend.errors import Refusal
from backend.tables.account import RefreshToken, SignInSession, User
from tests.backend.accounts.steps import ADDRESS, at_once, caller, sign_in, status_of
from tests.backend.api import PASSWORD, MovableClock

NEW_PASSWORD = "a louder river runs south"


def change(current: str = PASSWORD, new: str = NEW_PASSWORD) -> PasswordChange:
    return PasswordChange(current_password=SecretStr(current), new_password=SecretStr(new))


def good(accounts: Accounts, pair: TokenPair) -> bool:
    return status_of(lambda: caller(accounts, pair.access_token)) == 200


def test_the_tokens_sign_in_and_only_a_hash_is_kept(
    accounts: Accounts, admin: User, engine: Engine
) -> None:
    pair = sign_in(accounts, "ANNA")

    assert caller(accounts, pair.access_token).user == admin
    with reading(engine) as connection:
        kept = connection.scalars(select(col(RefreshToken.sha256))).all()
    assert len(kept) == 1
    assert pair.refresh_token not in kept


def test_each_refresh_gives_the_next_tokens_of_the_same_session(
    accounts: Accounts, clock: MovableClock, admin: User
) -> None:
    first = sign_in(accounts)
    session = caller(accounts, first.access_token).session_id
    pair = first
    for _ in range(3):
        clock.move(days=13)
        pair = accounts.sessions.refresh(pair.refresh_token)

    now = caller(accounts, pair.access_token)
    assert (now.user, now.session_id) == (admin, session)
    assert not good(accounts, first)


def test_a_refresh_token_ends_after_fourteen_days(
    accounts: Accounts, clock: MovableClock, admin: User
) -> None:
    pair = sign_in(accounts)
    clock.move(days=14)

    assert status_of(lambda: accounts.sessions.refresh(pair.refresh_token)) == 401


def test_an_old_refresh_token_ends_its_family_and_no_other(accounts: Accounts, admin: User) -> None:
    elsewhere, first = sign_in(accounts), sign_in(accounts)
    second = accounts.sessions.refresh(first.refresh_token)

    assert status_of(lambda: accounts.sessions.refresh(first.refresh_token)) == 401

    assert status_of(lambda: accounts.sessions.refresh(second.refresh_token)) == 401
    assert not good(accounts, second)
    assert good(accounts, elsewhere)
    accounts.sessions.refresh(elsewhere.refresh_token)


def test_of_many_refreshes_at_once_one_gets_tokens_and_the_family_ends(
    accounts: Accounts, admin: User
) -> None:
    pair = sign_in(accounts)

    results = at_once(*[lambda: accounts.sessions.refresh(pair.refresh_token)] * 4)

    given = [result for result in results if isinstance(result, TokenPair)]
    assert len(given) == 1
    assert [result for result in results if result not in given] == [401] * 3
    assert not good(accounts, given[0])


@pytest.mark.parametrize("text", ["", "ctr_guessed", "\ud800", "a" * 100_000, "an\0na"])
def test_any_other_text_refreshes_nothing(accounts: Accounts, admin: User, text: str) -> None:
    assert status_of(lambda: accounts.sessions.refresh(text)) == 401


def test_access_and_refresh_tokens_do_not_stand_for_each_other(
    accounts: Accounts, admin: User
) -> None:
    pair = sign_in(accounts)

    assert status_of(lambda: accounts.sessions.refresh(pair.access_token)) == 401
    assert status_of(lambda: caller(accounts, pair.refresh_token)) == 401
    assert good(accounts, pair)


def test_signing_out_ends_this_session_at_once(accounts: Accounts, admin: User) -> None:
    here, elsewhere = sign_in(accounts), sign_in(accounts)
    session = caller(accounts, here.access_token).session_id
    assert session is not None

    accounts.sessions.end(session)

    assert not good(accounts, here)
    assert status_of(lambda: accounts.sessions.refresh(here.refresh_token)) == 401
    assert good(accounts, elsewhere)


def test_signing_out_everywhere_ends_every_session_at_once(accounts: Accounts, admin: User) -> None:
    pairs = [sign_in(accounts) for _ in range(3)]

    accounts.sessions.end_all(admin.id)

    for pair in pairs:
        assert not good(accounts, pair)
        assert status_of(partial(accounts.sessions.refresh, pair.refresh_token)) == 401
    assert good(accounts, sign_in(accounts))


def test_each_of_three_things_alone_voids_an_access_token(
    accounts: Accounts, admin: User, engine: Engine
) -> None:
    for void in (
        update(User).values(ver=User.ver + 1),
        update(User).values(active=False),
        update(SignInSession).values(ended_at=admin.created_at),
    ):
        pair = sign_in(accounts)
        with writing(engine) as connection:
            connection.execute(void)
        assert not good(accounts, pair)
        with writing(engine) as connection:
            connection.execute(update(User).values(active=True))


def test_signing_out_everywhere_raises_the_version_of_the_tokens(
    accounts: Accounts, admin: User
) -> None:
    accounts.sessions.end_all(admin.id)

    assert accounts.users.everyone()[0].ver == admin.ver + 1


def test_a_new_password_ends_every_session_but_the_one_it_gives(
    accounts: Accounts, admin: User
) -> None:
    before = [sign_in(accounts) for _ in range(2)]

    after = accounts.sign_in.change_password(admin.id, change(), ADDRESS)

    assert not any(good(accounts, pair) for pair in before)
    assert good(accounts, after)
    assert status_of(lambda: sign_in(accounts)) == 401
    assert good(accounts, sign_in(accounts, password=NEW_PASSWORD))


def test_a_password_is_changed_only_by_who_knows_it(accounts: Accounts, admin: User) -> None:
    pair = sign_in(accounts)

    with pytest.raises(Refusal) as refused:
        accounts.sign_in.change_password(admin.id, change(current="wrong"), ADDRESS)
    assert (refused.value.status_code, refused.value.code) == (422, "wrong_password")
    with pytest.raises(Refusal) as refused:
        accounts.sign_in.change_password(admin.id, change(new="short"), ADDRESS)
    assert refused.value.errors[0].pointer == "/new_password"

    assert good(accounts, pair)
    assert good(accounts, sign_in(accounts))


def test_of_two_changes_at_once_one_holds(accounts: Accounts, admin: User) -> None:
    others = [change(new=f"river number {word} runs") for word in ("one", "two", "three")]

    results = at_once(
        *(lambda c=c: accounts.sign_in.change_password(admin.id, c, ADDRESS) for c in others)
    )

    opened = [result for result in results if isinstance(result, TokenPair)]
    assert len(opened) == 1
    assert good(accounts, opened[0])


def test_sessions_that_are_over_are_forgotten_at_the_next_sign_in(
    accounts: Accounts, clock: MovableClock, admin: User, engine: Engine
) -> None:
    for _ in range(3):
        sign_in(accounts)
    clock.move(days=14)
    sign_in(accounts)

    with reading(engine) as connection:
        assert len(connection.scalars(select(col(SignInSession.id))).all()) == 1
        assert len(connection.scalars(select(col(RefreshToken.sha256))).all()) == 1
