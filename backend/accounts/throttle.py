"""Slow down who guesses passwords: for an account, and from an address.

Each attempt is counted before its password is looked at, in the database, so that neither many at
once nor several servers nor a restart give more tries. One that succeeds is taken back. An account
that does not exist is counted like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address, ip_network
from math import ceil

from sqlalchemy import Connection, Engine, case, delete, select, update
from sqlmodel import col

from backend.accounts.upsert import insert_into
from backend.clock import Clock
from backend.database import reading, writing
from backend.errors import Refusal
from backend.tables.account import SignInFailure

_FREE_FOR_ACCOUNT = 10
# Higher: the people of one house, and all who use the studio's own screens, share an address.
_FREE_FOR_ADDRESS = 50
_FIRST_BLOCK_SECONDS = 30
_LONGEST_BLOCK_SECONDS = 15 * 60
_FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True)
class _Counted:
    key: str
    free: int


class Attempt:
    """One try to sign in: to which account and from where."""

    def __init__(self, username: str, address: str | None) -> None:
        self.account = _Counted(_key("account", username), _FREE_FOR_ACCOUNT)
        self.address = _Counted(_key("address", _network(address)), _FREE_FOR_ADDRESS)


class Throttle:
    """Counts attempts, and refuses them when there were too many."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def check(self, attempt: Attempt) -> None:
        """Refuse an attempt that must wait, without counting it.

        Raises:
            Refusal: 429, with the seconds to wait.
        """
        now = self._clock()
        with reading(self._engine) as connection:
            _refuse_blocked(connection, (attempt.account, attempt.address), now)

    def count(self, attempt: Attempt) -> None:
        """Count an attempt as failed, until `forgive` says otherwise.

        Raises:
            Refusal: 429: it must wait, and was not counted.
        """
        now = self._clock()
        with writing(self._engine) as connection:
            for counted in (attempt.account, attempt.address):  # in this order: no deadlock
                _count(connection, counted, now)
            old = col(SignInFailure.last_at) < now - timedelta(days=1)
            connection.execute(delete(SignInFailure).where(old))

    def forgive(self, attempt: Attempt) -> None:
        """Take back an attempt that succeeded; the account begins anew, the address does not."""
        key = col(SignInFailure.key)
        with writing(self._engine) as connection:
            connection.execute(delete(SignInFailure).where(key == attempt.account.key))
            connection.execute(
                update(SignInFailure)
                .where(key == attempt.address.key, col(SignInFailure.failures) > 0)
                .values(failures=SignInFailure.failures - 1, blocked_until=self._clock())
            )


def _count(connection: Connection, counted: _Counted, now: datetime) -> None:
    forgotten = col(SignInFailure.last_at) < now - _FORGOTTEN_AFTER
    values = {"key": counted.key, "failures": 1, "last_at": now, "blocked_until": now}
    failures = connection.scalar(
        insert_into(connection, SignInFailure)
        .values(values)
        .on_conflict_do_update(
            index_elements=["key"],
            set_={
                "failures": case((forgotten, 1), else_=col(SignInFailure.failures) + 1),
                "last_at": now,
            },
            where=col(SignInFailure.blocked_until) <= now,
        )
        .returning(col(SignInFailure.failures))
    )
    if failures is None:
        _refuse_blocked(connection, (counted,), now)
    elif failures >= counted.free:
        seconds = min(_LONGEST_BLOCK_SECONDS, _FIRST_BLOCK_SECONDS * 2 ** (failures - counted.free))
        connection.execute(
            update(SignInFailure)
            .where(col(SignInFailure.key) == counted.key)
            .values(blocked_until=now + timedelta(seconds=seconds))
        )


def _refuse_blocked(connection: Connection, counted: Sequence[_Counted], now: datetime) -> None:
    keys = [one.key for one in counted]
    until = connection.scalars(
        select(col(SignInFailure.blocked_until)).where(
            col(SignInFailure.key).in_(keys), col(SignInFailure.blocked_until) > now
        )
    ).all()
    if until:
        seconds = ceil((max(until) - now).total_seconds())
        raise Refusal(
            429,
            f"Too many attempts to sign in. Try again in {seconds} seconds.",
            code="too_many_attempts",
            headers={"Retry-After": str(seconds)},
        )


def _key(kind: str, value: str) -> str:
    return sha256(f"{kind} {value}".encode("utf-8", "surrogatepass")).hexdigest()


def _network(address: str | None) -> str:
    """Return what one person has: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address or ""
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
