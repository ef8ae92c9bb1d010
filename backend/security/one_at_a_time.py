"""Let one thread at a time do work that is heavy for the processor, and few wait for it.

Hashing a password keeps a processor busy for a quarter of a second. Without a bound, a few clients
that sign in would leave nothing for the others.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock


class Busy(Exception):
    """Too many wait already. Come back in a moment."""


class OneAtATime:
    """A door for one, with room for `waiting` before it."""

    def __init__(self, waiting: int = 4) -> None:
        self._places = BoundedSemaphore(1 + waiting)
        self._turn = Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, and have it.

        Raises:
            Busy: There is no room to wait.
        """
        if not self._places.acquire(blocking=False):
            raise Busy
        try:
            with self._turn:
                yield
        finally:
            self._places.release()
