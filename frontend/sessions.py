"""Who is signed in: the browser holds a random id, this process holds what it stands for.

The id travels in a cookie that page scripts cannot read, so a refreshed page stays signed in. A
page drawn over a WebSocket cannot set such a cookie itself. It gets a ticket, good for one use
within a minute, and has the browser hand it to `/session/enter`, which answers with the cookie.

Not covered: a restart of the UI. What the ids stand for is in memory, so everyone signs in again.
"""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from crewtune import Studio

COOKIE = "crewtune_session"
LIFE_SECONDS = 14 * 24 * 3600  # as long as a refresh token lives
_TICKET_SECONDS = 60


@dataclass(frozen=True)
class _Session:
    client: Studio
    ends: float


@dataclass(frozen=True)
class _Ticket:
    session_id: str
    ends: float


@dataclass
class Sessions:
    """The browsers that are signed in. `clock` counts seconds."""

    clock: Callable[[], float] = time.monotonic
    _sessions: dict[str, _Session] = field(default_factory=dict)
    _tickets: dict[str, _Ticket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self, client: Studio) -> tuple[str, str]:
        """Keep a client that is signed in; return its session's id, and a ticket for the cookie."""
        session_id, ticket = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        now = self.clock()
        with self._lock:
            self._sessions = {key: one for key, one in self._sessions.items() if one.ends > now}
            self._tickets = {key: one for key, one in self._tickets.items() if one.ends > now}
            self._sessions[session_id] = _Session(client, now + LIFE_SECONDS)
            self._tickets[ticket] = _Ticket(session_id, now + _TICKET_SECONDS)
        return session_id, ticket

    def find(self, session_id: str) -> Studio | None:
        """Return the client that the id stands for, if it still does."""
        with self._lock:
            session = self._sessions.get(session_id)
        return session.client if session and session.ends > self.clock() else None

    def redeem(self, ticket: str) -> str | None:
        """Return the id that the ticket was made for, once."""
        with self._lock:
            found = self._tickets.pop(ticket, None)
        return found.session_id if found and found.ends > self.clock() else None

    def close(self, session_id: str) -> None:
        """Forget the id."""
        with self._lock:
            self._sessions.pop(session_id, None)


# One for the process: the routes and every page that is drawn look into the same.
SESSIONS = Sessions()
