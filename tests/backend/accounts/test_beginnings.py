"""How accounts begin, on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from sqlalchemy import Engine, select
from sqlmodel import col

from backend.accounts.accounts import Accounts
from backend.accounts.registration import Registration, Setup
from backend.accounts.setup_code import ensure_setup_code, is_setup_code, use_setup_code
from backend.accounts.usernames import canonical_username
from backend.accounts.users import add_user
from backend.database import reading, writing
from backend.errors import Refusal
from backend.tables.account import Invitation, Role, StudioSetting, User
from tests.backend.accounts.steps import at_once, registration, setup
from tests.backend.api import MovableClock

NOBODY: dict[str, Any] = {
    "username": "nobody",
    "password_hash": "",
    "role": "viewer",
    "created_at": datetime(2026, 11, 20, tzinfo=UTC),
}
WIDE_ANNA = "\uff21\uff2e\uff2e\uff21"


def usernames(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return sorted(connection.scalars(select(col(User.username))))


def test_the_setup_code_makes_one_admin_once(accounts: Accounts, engine: Engine) -> None:
    code = ensure_setup_code(engine)

    made = accounts.registrations.set_up(setup(code))

    assert (made.username, made.role, made.active) == ("anna", Role.ADMIN, True)
    with pytest.raises(Refusal, match="setup code"):
        accounts.registrations.set_up(setup(code, "eve"))
    assert ensure_setup_code(engine) is None
    assert usernames(engine) == ["anna"]


def test_a_new_setup_code_replaces_the_old_one_and_only_hashes_are_kept(
    accounts: Accounts, engine: Engine
) -> None:
    old, code = ensure_setup_code(engine), ensure_setup_code(engine)

    with reading(engine) as connection:
        kept = connection.scalars(select(col(StudioSetting.value))).all()
    assert len(kept) == 1
    assert code not in kept
    for wrong in (old, "", "cts_guessed"):
        with pytest.raises(Refusal):
            accounts.registrations.set_up(setup(wrong))
    assert accounts.registrations.set_up(setup(code)).role == Role.ADMIN


def test_of_many_setups_at_once_one_makes_an_admin(accounts: Accounts, engine: Engine) -> None:
    code = ensure_setup_code(engine)

    def begin(name: str) -> Callable[[], User]:
        return lambda: accounts.registrations.set_up(setup(code, name))

    results = at_once(*(begin(f"admin{number}") for number in range(4)))

    assert sum(isinstance(result, User) for result in results) == 1
    assert [result for result in results if not isinstance(result, User)] == [403] * 3
    assert len(usernames(engine)) == 1


def test_a_setup_that_is_refused_leaves_the_code_good(accounts: Accounts, engine: Engine) -> None:
    code = ensure_setup_code(engine)
    weak = Setup(username="anna", password=SecretStr("short"), setup_code=code or "")

    with pytest.raises(Refusal, match="15 characters"):
        accounts.registrations.set_up(weak)

    assert accounts.registrations.set_up(setup(code)).username == "anna"


def test_whoever_may_not_register_gets_no_password_hashed(accounts: Accounts, admin: User) -> None:
    asked = Registration(username="eve", password=SecretStr("short"))

    with pytest.raises(Refusal) as refused:
        accounts.registrations.register(asked)
    assert refused.value.status_code == 403


def test_nobody_registers_without_an_invitation(accounts: Accounts, admin: User) -> None:
    for code in (None, "", "cti_guessed"):
        with pytest.raises(Refusal) as refused:
            accounts.registrations.register(registration("eve", code))
        assert refused.value.status_code == 403


def test_a_setup_code_is_void_where_there_is_a_user_and_a_wrong_one_uses_up_nothing(
    accounts: Accounts, engine: Engine
) -> None:
    code = ensure_setup_code(engine) or ""
    with writing(engine) as connection:
        assert not use_setup_code(connection, "cts_wrong")
        assert is_setup_code(connection, code)
        add_user(connection, User(**NOBODY))
        assert not use_setup_code(connection, code)


@pytest.mark.parametrize("role", list(Role))
def test_an_invitation_gives_its_role_to_one_person(
    accounts: Accounts, engine: Engine, admin: User, role: Role
) -> None:
    invitation = accounts.invitations.make(role, admin.id)

    assert accounts.registrations.register(registration("ben", invitation.code)).role == role
    with pytest.raises(Refusal):
        accounts.registrations.register(registration("eve", invitation.code))
    with reading(engine) as connection:
        assert connection.scalars(select(col(Invitation.id))).all() == []


def test_an_invitation_ends_after_seven_days_and_can_be_withdrawn(
    accounts: Accounts, clock: MovableClock, admin: User
) -> None:
    late, withdrawn = (accounts.invitations.make(Role.MEMBER, admin.id) for _ in range(2))
    assert [one.id for one in accounts.invitations.open()] == [late.id, withdrawn.id]
    accounts.invitations.withdraw(withdrawn.id)
    clock.move(days=7)

    for code in (late.code, withdrawn.code):
        with pytest.raises(Refusal):
            accounts.registrations.register(registration("ben", code))
    assert accounts.invitations.open() == []


def test_an_invitation_is_used_once_by_many_at_once(
    accounts: Accounts, engine: Engine, admin: User
) -> None:
    code = accounts.invitations.make(Role.MEMBER, admin.id).code

    def begin(name: str) -> Callable[[], User]:
        return lambda: accounts.registrations.register(registration(name, code))

    results = at_once(*(begin(f"guest{number}") for number in range(4)))

    assert [result for result in results if not isinstance(result, User)] == [403] * 3
    assert len(usernames(engine)) == 2


def test_a_taken_name_costs_no_invitation(accounts: Accounts, engine: Engine, admin: User) -> None:
    code = accounts.invitations.make(Role.MEMBER, admin.id).code

    with pytest.raises(Refusal) as refused:
        accounts.registrations.register(registration(WIDE_ANNA, code))

    assert (refused.value.status_code, refused.value.code) == (409, "username_taken")
    assert accounts.registrations.register(registration("ben", code)).username == "ben"


def test_two_who_want_one_name_at_once_do_not_both_get_it(
    accounts: Accounts, engine: Engine, admin: User
) -> None:
    accounts.registrations.open_or_close(open_=True)

    results = at_once(*[lambda: accounts.registrations.register(registration("ben"))] * 4)

    assert sorted(one if isinstance(one, int) else 201 for one in results) == [201, 409, 409, 409]
    assert usernames(engine) == ["anna", "ben"]


def test_an_admin_opens_registration_for_members_and_closes_it(
    accounts: Accounts, admin: User
) -> None:
    accounts.registrations.open_or_close(open_=True)
    accounts.registrations.open_or_close(open_=True)
    assert accounts.registrations.state().open
    assert accounts.registrations.register(registration("ben")).role == Role.MEMBER

    accounts.registrations.open_or_close(open_=False)
    with pytest.raises(Refusal):
        accounts.registrations.register(registration("eve"))


@pytest.mark.parametrize("spelling", ["anna", "ANNA", "aNNa", WIDE_ANNA])
def test_a_username_has_one_spelling(spelling: str) -> None:
    assert canonical_username(spelling) == "anna"


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        "ab",
        "a" * 33,
        "a" * 1_000_000,
        "admin\u200b",
        "\u202eadmin",
        "\u0430dmin",  # a Cyrillic letter
        "adm\u0131n",  # a dotless one
        "a b c",
        "' OR 1=1 --",
        "a\r\nX: y",
        "anna\n",
        "an\0na",
        "\ud800nna",
        "ﷺ" * 32,
    ],
)
def test_what_looks_like_another_name_is_no_username(spelling: str) -> None:
    assert canonical_username(spelling) is None
    with pytest.raises(ValidationError):
        registration(spelling)
