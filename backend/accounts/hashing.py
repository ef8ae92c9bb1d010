"""Hash and verify the passwords of accounts, one at a time."""

from collections.abc import Callable

from backend.errors import Refusal, refused_field
from backend.security.one_at_a_time import Busy, OneAtATime
from backend.security.password_rules import PasswordRefused, check_password
from backend.security.passwords import Passwords

_RETRY_SECONDS = 2


class Hashing:
    """The only user of `Passwords`. Runs in the thread of the caller, which may wait."""

    def __init__(self, passwords: Passwords) -> None:
        self._passwords = passwords
        self._door = OneAtATime()

    def new_hash(self, password: str, username: str, *, pointer: str) -> str:
        """Return the hash of a new password that keeps the rules.

        Raises:
            Refusal: 422 at `pointer`: it does not keep them; 429: too many wait.
        """
        try:
            check_password(password, username)
        except PasswordRefused as error:
            raise refused_field(pointer, error.code, str(error)) from None
        try:
            with self._door.turn():
                return self._passwords.hash(password)
        except Busy as error:
            raise _busy() from error

    def fits(self, password: str, find_hash: Callable[[], str | None]) -> bool:
        """Return whether `password` made the hash; None takes as long and fits never.

        `find_hash` is called when it is this attempt's turn: what it counts, was looked at.

        Raises:
            Refusal: 429: too many wait.
        """
        try:
            with self._door.turn():
                return self._passwords.verify(password, find_hash())
        except Busy as error:
            raise _busy() from error


def _busy() -> Refusal:
    return Refusal(
        429,
        f"Many people sign in at this moment. Try again in {_RETRY_SECONDS} seconds.",
        code="busy",
        headers={"Retry-After": str(_RETRY_SECONDS)},
    )
