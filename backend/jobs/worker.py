"""The process that does one job: `python -m backend.jobs.worker <job> <token>`.

With `--spare <seconds>` it is told later which job that is (`spare_worker.py`).

It takes its orders from the database, reports there, and ends the job there. What is said to its
standard output is the job's log file, for the operator.

Not covered: what each kind of job does (`kinds.py`).
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from backend.database import open_database, reading
from backend.jobs.failures import describe_failure
from backend.jobs.kinds import work_of
from backend.jobs.local_runner import describe_process
from backend.jobs.orders import Ending
from backend.jobs.place import place_of
from backend.jobs.queries import find
from backend.jobs.reporter import EXIT_LOST, Reporter
from backend.jobs.spare_worker import await_order
from backend.jobs.store import JobStore
from backend.logs import configure_logs
from backend.settings import Settings, quiet_libraries, use_endpoint
from backend.tables.job import Job, JobStatus
from tools.progress import Cancelled

logger = logging.getLogger(__name__)

_PATIENCE_SECONDS = 600  # for a database that is away when the work is done


def main(job_id: UUID, token: int) -> int:
    """Do the job, and return the exit code: 0 it ended, 75 it is another's by now."""
    quiet_libraries()
    configure_logs()
    settings = Settings()
    use_endpoint(settings)
    store = JobStore(open_database(settings.studio_database_url))
    with reading(store.engine) as connection:
        job = find(connection, col(Job.id) == job_id)
    if job.token != token or not store.note_worker(job_id, token, describe_process(os.getpid())):
        return EXIT_LOST
    reporter = Reporter(store, job_id, token)
    signal.signal(signal.SIGTERM, lambda *_: reporter.give_back())
    reporter.start()
    place = place_of(job, settings, reporter)
    ending = do(job, reporter, lambda: work_of(job.kind)(place, store.engine))
    reporter.close(_PATIENCE_SECONDS)
    return end(store, job, ending)


def do(job: Job, reporter: Reporter, work: Callable[[], Mapping[str, Any]]) -> Ending | None:
    """Do the work, and return how it ended; None when the job is to be given back."""
    try:
        return Ending(JobStatus.SUCCEEDED, result=work())
    except Cancelled:
        return Ending(JobStatus.CANCELLED) if reporter.cancelled else None
    except Exception as error:
        failure = describe_failure(error)
        if failure.unexpected:
            logger.exception("Job %s failed.", job.id)
        reporter.log(failure.reason)
        return Ending(JobStatus.FAILED, error=failure.model_dump(exclude={"unexpected"}))


def end(store: JobStore, job: Job, ending: Ending | None) -> int:
    """End the job, or give it back, and return the exit code; a database away is waited for."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            if ending is None:
                held = store.take_away(job.id, job.token) is not None
            else:
                held = store.finish(job.id, job.token, ending)
            return 0 if held else EXIT_LOST
        except SQLAlchemyError:
            if time.monotonic() > until:
                raise
            time.sleep(1)


def main_of_spare(idle_seconds: float) -> int:
    """Wait for a job with everything loaded, do it, and return the exit code."""
    quiet_libraries()
    order = await_order(idle_seconds)
    return 0 if order is None else main(order.job_id, order.token)


if __name__ == "__main__":
    if sys.argv[1] == "--spare":
        sys.exit(main_of_spare(float(sys.argv[2])))
    sys.exit(main(UUID(sys.argv[1]), int(sys.argv[2])))
