"""Carry what a worker has to say to the database, beside the work.

The work never waits for the database: what it says is put in line, and a thread of its own writes
it, a batch at a time. While the database is away the line grows and the work goes on.
"""

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from backend.jobs.orders import Happening, JobLost
from backend.jobs.store import JobStore
from tools.progress import Cancelled

logger = logging.getLogger(__name__)

_BATCH = 200
_BETWEEN_SECONDS = 0.5
_QUIET_SECONDS = 2.0  # between signs of life when there is nothing to say
_LONGEST = 2000  # characters of a sentence
EXIT_LOST = 75  # EX_TEMPFAIL: another worker has the job


class Reporter:
    """A `Progress` that ends up in `job_events`, and gives the worker's signs of life."""

    def __init__(
        self,
        store: JobStore,
        job_id: UUID,
        token: int,
        *,
        lost: Callable[[], None] | None = None,
        between_seconds: float = _BETWEEN_SECONDS,
    ) -> None:
        """Prepare to report.

        Args:
            store: Where to.
            job_id: The job that is worked on.
            token: What the worker holds it by.
            lost: Called when the job is no longer the worker's; ends the process by default.
            between_seconds: From one look at what there is to say to the next.
        """
        self._store, self._job_id, self._token = store, job_id, token
        self._lost, self._between_seconds = lost or _leave, between_seconds
        self._line: deque[Happening] = deque()
        self._percent: float | None = None
        self._seconds_left: float | None = None
        self._cancel, self._given_back = threading.Event(), threading.Event()
        self._ended = threading.Event()
        self._one_at_a_time = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="reporter", daemon=True)

    def start(self) -> None:
        """Begin to give signs of life."""
        self._thread.start()

    def close(self, seconds: float = 60) -> None:
        """Say what is left to say; a database that is away is waited for."""
        self._ended.set()
        self._thread.join()
        until = time.monotonic() + seconds
        while not self._say() and time.monotonic() < until:
            time.sleep(self._between_seconds)

    def log(self, message: str) -> None:
        """Take one sentence."""
        self._line.append(Happening("log", {"message": message[:_LONGEST]}))

    def metric(self, name: str, value: float, step: int) -> None:
        """Take one measured value."""
        self._line.append(Happening("metric", {"name": name, "value": value, "step": step}))

    def sample(self, prompt: str, answer: str) -> None:
        """Take one example answer."""
        said = {"prompt": prompt[:_LONGEST], "answer": answer[:_LONGEST]}
        self._line.append(Happening("sample", said))

    def percent(self, done: float, seconds_left: float | None = None) -> None:
        """Take how far the work is. Only the latest is kept."""
        self._percent, self._seconds_left = done, seconds_left

    def check(self) -> None:
        """Raise `Cancelled` when the job was cancelled, or the worker is to give it back."""
        if self._cancel.is_set() or self._given_back.is_set():
            raise Cancelled("Stopped on request.")

    def give_back(self) -> None:
        """Stop the work so that another worker may go on with it."""
        self._given_back.set()

    @property
    def cancelled(self) -> bool:
        """Whether the job was cancelled, rather than given back."""
        return self._cancel.is_set()

    def _work(self) -> None:
        last = 0.0
        while not self._ended.wait(self._between_seconds):
            if self._line or time.monotonic() - last >= _QUIET_SECONDS:
                self._say()
                last = time.monotonic()

    def _say(self) -> bool:
        """Write what is in line and return whether nothing is left."""
        with self._one_at_a_time:
            batch = [self._line.popleft() for _ in range(min(_BATCH, len(self._line)))]
            try:
                cancel = self._store.report(
                    self._job_id,
                    self._token,
                    batch,
                    percent=self._percent,
                    seconds_left=self._seconds_left,
                )
            except JobLost:
                self._lost()
                return True
            except SQLAlchemyError:
                self._line.extendleft(reversed(batch))
                logger.warning("The database is away; the work goes on.")
                return False
            if cancel:
                self._cancel.set()
            return not self._line


def _leave() -> None:
    # At once: another worker may be writing the same folders already.
    os._exit(EXIT_LOST)
