"""Start waiting jobs while there are free slots, and look after those that run.

Any number of dispatchers may work over one database. A worker is dead when its process is gone, or
when it gave no sign of life for as long as the lease, measured by this dispatcher's own clock while
it looked: a clock that is set, a slow other machine, or a database that is away, ends no job.

Not covered: what a job does (`worker.py`).
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from backend.database import reading
from backend.jobs.local_runner import Runner
from backend.jobs.queries import running
from backend.jobs.store import JobStore
from backend.tables.job import Job

logger = logging.getLogger(__name__)

_TRAINING = "gpu"  # the queue of jobs that load a model
_LEADS_TO_TRAINING = "recommend"  # who asks for a recipe is about to train
_LONGEST_PAUSE_SECONDS = 1.0  # between two looks, beyond what was asked for


@dataclass(frozen=True)
class Patience:
    """How long the dispatcher waits for what, in seconds."""

    between_looks: float = 0.5
    lease: float = 30
    after_cancel: float = 7  # the worker saves a checkpoint; then it is killed


@dataclass
class _Watched:
    token: int
    beats: int
    silent: float = 0.0  # seconds in which we looked and there was no sign of life
    cancel_seen: float | None = None


class Dispatcher:
    """Moves jobs from their queues to a runner, until it is stopped."""

    def __init__(
        self,
        store: JobStore,
        runner: Runner,
        slots: Mapping[str, int],
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._runner = runner
        self._slots = dict(slots)
        self._patience = patience or Patience()
        self._clock = clock
        self._watched: dict[UUID, _Watched] = {}
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name="dispatcher", daemon=True)
        self.looked_at = clock()

    def start(self) -> None:
        """Begin in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Jobs that run go on; the next dispatcher finds them."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def wake(self) -> None:
        """Look at once: something was submitted or cancelled."""
        self._wake.set()

    @property
    def working(self) -> bool:
        """Whether it has looked at the jobs lately."""
        return self._clock() - self.looked_at < 10 + self._patience.between_looks

    def look(self) -> None:
        """Look after the running jobs, then fill the free slots."""
        # While we could not look, the workers may not have been able to report: whoever was held
        # up, the machine or the database, they are given their time again.
        most = self._patience.between_looks + _LONGEST_PAUSE_SECONDS
        try:
            self._look_after(min(self._clock() - self.looked_at, most))
            for queue, slots in self._slots.items():
                while (job := self._store.claim(queue, slots, {})) is not None:
                    self._begin(job)
        except SQLAlchemyError:
            self._watched.clear()
            raise
        self.looked_at = self._clock()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self.look()
            except SQLAlchemyError:
                logger.warning("The job table cannot be read; trying again.", exc_info=True)
            except Exception:
                logger.exception("The dispatcher failed; trying again.")
            self._wake.wait(self._patience.between_looks)
            self._wake.clear()

    def _begin(self, job: Job) -> None:
        try:
            worker = self._runner.start(job.id, job.token, trains=job.queue == _TRAINING)
        except OSError:
            logger.exception("Job %s cannot be started.", job.id)
            self._store.take_away(job.id, job.token, job.beats)
            return
        if not self._store.note_worker(job.id, job.token, worker):
            self._runner.kill(worker)
        if job.kind == _LEADS_TO_TRAINING:
            self._runner.expect_training()

    def _look_after(self, passed: float) -> None:
        with reading(self._store.engine) as connection:
            jobs = running(connection)
        known = {job.id for job in jobs}
        self._watched = {key: one for key, one in self._watched.items() if key in known}
        for job in jobs:
            watched = self._watch(job, passed)
            if self._is_dead(job, watched):
                logger.warning("Job %s lost its worker.", job.id)
                self._end_worker(job)
                self._store.take_away(job.id, job.token, job.beats)
            elif self._is_deaf(watched):
                logger.warning("Job %s did not stop when asked, and is ended.", job.id)
                self._end_worker(job)

    def _watch(self, job: Job, passed: float) -> _Watched:
        watched = self._watched.get(job.id)
        if watched is None or watched.token != job.token:
            watched = self._watched[job.id] = _Watched(job.token, job.beats)
        elif watched.beats != job.beats:
            watched.beats, watched.silent = job.beats, 0.0
        else:
            watched.silent += passed
        if job.cancel_requested and watched.cancel_seen is None:
            watched.cancel_seen = self._clock()
        return watched

    def _is_dead(self, job: Job, watched: _Watched) -> bool:
        worker = job.worker or {}
        gone = self._runner.knows(worker) and not self._runner.alive(worker)
        return gone or watched.silent > self._patience.lease

    def _is_deaf(self, watched: _Watched) -> bool:
        asked = watched.cancel_seen
        return asked is not None and self._clock() - asked > self._patience.after_cancel

    def _end_worker(self, job: Job) -> None:
        worker = job.worker or {}
        if self._runner.knows(worker):
            self._runner.kill(worker)
