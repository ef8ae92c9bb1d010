"""API keys, roles and closing accounts, on both databases."""

from uuid import uuid4

import pytest
from sqlalchemy import Engine, select, update

from backend.accounts.accounts import Accounts
from backend.accounts.api_keys import ApiKeyRequest, Scope
from backend.database import reading, writing
from backend.errors import Refusal
from backend.tables.account import ApiKey, Role, User
from tests.backend.accounts.steps import at_once, caller, registration, sign_in, status_of
from tests.backend.api import MovableClock

READ_KEY = ApiKeyRequest(name="my script", scopes=[Scope.READ])


def add(accounts: Accounts, username: str, role: Role, admin: User) -> User:
    code = accounts.invitations.make(role, admin.id).code
    return accounts.registrations.register(registration(username, code))


def test_a_key_signs_in_and_only_its_hash_is_kept(
    accounts: Accounts, admin: User, engine: Engine
) -> None:
    made = accounts.api_keys.make(admin.id, READ_KEY)

    found = caller(accounts, made.key)
    assert (found.user, found.scopes, found.key_id) == (admin, {Scope.READ}, made.id)
    assert made.key.startswith("ct_")
    assert made.key.startswith(made.start)
    assert len(made.key) == 46
    with reading(engine) as connection:
        rows = connection.execute(select(ApiKey)).mappings().all()
    assert made.key not in str(rows)


def test_the_last_use_of_a_key_is_known_to_the_minute(
    accounts: Accounts, clock: MovableClock, admin: User
) -> None:
    key = accounts.api_keys.make(admin.id, READ_KEY).key
    assert accounts.api_keys.of(admin.id)[0].last_used_at is None
    first = clock.now

    for seconds, noted in ((0, 0), (59, 0), (1, 60)):
        clock.move(seconds=seconds)
        caller(accounts, key)
        used = accounts.api_keys.of(admin.id)[0].last_used_at
        assert used is not None
        assert (used - first).total_seconds() == noted


def test_a_revoked_key_is_dead_and_only_its_owner_revokes_it(
    accounts: Accounts, admin: User
) -> None:
    ben = add(accounts, "ben", Role.MEMBER, admin)
    made = accounts.api_keys.make(ben.id, READ_KEY)

    assert status_of(lambda: accounts.api_keys.revoke(admin.id, made.id)) == 404
    assert status_of(lambda: accounts.api_keys.revoke(ben.id, uuid4())) == 404
    caller(accounts, made.key)
    accounts.api_keys.revoke(ben.id, made.id)

    assert status_of(lambda: caller(accounts, made.key)) == 401
    assert accounts.api_keys.of(ben.id) == []


def test_a_user_has_fifty_keys_at_most(accounts: Accounts, admin: User) -> None:
    for _ in range(50):
        accounts.api_keys.make(admin.id, READ_KEY)

    assert status_of(lambda: accounts.api_keys.make(admin.id, READ_KEY)) == 409


def test_a_role_counts_from_the_next_request_on(accounts: Accounts, admin: User) -> None:
    ben = add(accounts, "ben", Role.MEMBER, admin)
    token = sign_in(accounts, "ben").access_token

    accounts.users.change(ben.id, by=admin.id, role=Role.VIEWER)

    assert caller(accounts, token).user.role == Role.VIEWER


def test_a_closed_account_is_signed_out_with_its_keys_until_it_is_opened(
    accounts: Accounts, admin: User
) -> None:
    ben = add(accounts, "ben", Role.MEMBER, admin)
    pair, key = sign_in(accounts, "ben"), accounts.api_keys.make(ben.id, READ_KEY).key

    assert not accounts.users.change(ben.id, by=admin.id, active=False).active

    assert status_of(lambda: caller(accounts, pair.access_token)) == 401
    assert status_of(lambda: accounts.sessions.refresh(pair.refresh_token)) == 401
    assert status_of(lambda: caller(accounts, key)) == 401
    assert status_of(lambda: sign_in(accounts, "ben")) == 401
    accounts.users.change(ben.id, by=admin.id, active=True)
    assert status_of(lambda: caller(accounts, pair.access_token)) == 401
    assert status_of(lambda: caller(accounts, key)) == 200
    sign_in(accounts, "ben")


def test_nobody_changes_their_own_role(accounts: Accounts, admin: User) -> None:
    add(accounts, "ben", Role.ADMIN, admin)

    for change in ({"role": Role.VIEWER}, {"active": False}):
        with pytest.raises(Refusal) as refused:
            accounts.users.change(admin.id, by=admin.id, **change)  # type: ignore[arg-type]
        assert (refused.value.status_code, refused.value.code) == (409, "own_role")


def test_a_user_who_is_not_there_cannot_be_changed(accounts: Accounts, admin: User) -> None:
    assert status_of(lambda: accounts.users.change(uuid4(), by=admin.id, role=Role.VIEWER)) == 404


@pytest.mark.parametrize("change", [{"role": Role.MEMBER}, {"active": False}])
def test_admins_who_remove_each_other_at_once_leave_one(
    accounts: Accounts, engine: Engine, admin: User, change: dict[str, object]
) -> None:
    ben = add(accounts, "ben", Role.ADMIN, admin)

    for _ in range(8):  # whether they meet is chance
        results = at_once(
            lambda: accounts.users.change(ben.id, by=admin.id, **change),  # type: ignore[arg-type]
            lambda: accounts.users.change(admin.id, by=ben.id, **change),  # type: ignore[arg-type]
        )

        assert sum(isinstance(result, User) for result in results) == 1
        assert 409 in results
        left = [u for u in accounts.users.everyone() if u.role == Role.ADMIN and u.active]
        assert len(left) == 1
        with writing(engine) as connection:
            connection.execute(update(User).values(role=Role.ADMIN, active=True))


def test_the_last_admin_who_may_sign_in_stays(accounts: Accounts, admin: User) -> None:
    ben = add(accounts, "ben", Role.ADMIN, admin)
    accounts.users.change(admin.id, by=ben.id, active=False)

    with pytest.raises(Refusal) as refused:
        accounts.users.change(ben.id, by=admin.id, role=Role.MEMBER)
    assert refused.value.code == "last_admin"
