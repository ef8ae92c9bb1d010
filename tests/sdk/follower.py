"""Follows a job beside the test."""

import threading
from uuid import UUID

from crewtune import ApiError, Event, Studio
from tests.sdk.real_studio import until


class Follower:
    """Follows a job in a thread, and keeps what it is told."""

    def __init__(self, studio: Studio, job_id: UUID) -> None:
        self.events: list[Event] = []
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._follow, args=(studio, job_id), daemon=True)
        self._thread.start()

    def _follow(self, studio: Studio, job_id: UUID) -> None:
        try:
            for one in studio.follow(job_id):
                self.events.append(one)
        # Also when a test that failed has closed the client meanwhile.
        except (ApiError, RuntimeError) as error:
            self.error = error

    def has(self, count: int) -> None:
        until(lambda: len(self.events) >= count)

    def join(self, seconds: float = 30) -> list[Event]:
        """Return all events when the following has ended, as it should."""
        self._thread.join(timeout=seconds)
        assert not self._thread.is_alive()
        assert self.error is None, self.error
        return self.events


def numbers(events: list[Event]) -> list[int]:
    return [one.sequence for one in events]


def every_number(events: list[Event]) -> bool:
    """Whether every event from the first is there, once, in order."""
    return numbers(events) == list(range(1, len(events) + 1))
