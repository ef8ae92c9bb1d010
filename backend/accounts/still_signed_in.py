"""Know whether a listener is still signed in, without a question to the database for each stream.

All streams of one sign-in share an answer that is a few seconds old at most.
"""

import time
from collections.abc import Callable
from threading import Lock
from uuid import UUID

from backend.accounts.authenticate import Authenticator
from backend.errors import Refusal

_REMEMBERED_SECONDS = 5.0


class StillSignedIn:
    """Remembers for a moment whose a token is. Safe to use from several threads."""

    def __init__(
        self, authenticator: Authenticator, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._authenticator = authenticator
        self._clock = clock
        self._known: dict[str, tuple[float, UUID | None]] = {}  # the oldest first
        self._lock = Lock()

    def user_of(self, token: str) -> UUID | None:
        """Return whose access token or API key it is, or None when it is no longer good."""
        with self._lock:
            self._forget()
            if token not in self._known:
                self._known[token] = (self._clock(), self._ask(token))
            return self._known[token][1]

    def _forget(self) -> None:
        oldest = self._clock() - _REMEMBERED_SECONDS
        while self._known:
            token, (asked_at, _) = next(iter(self._known.items()))
            if asked_at > oldest:
                return
            del self._known[token]

    def _ask(self, token: str) -> UUID | None:
        try:
            return self._authenticator.of_token(token).user.id
        except Refusal:
            return None
