"""Forget what is no longer needed: what old jobs said, their logs, and old uploads.

A job itself, its result and the files it made stay: other work may build on them.
"""

import shutil
import time
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, delete, select
from sqlmodel import col

from backend.database import reading, writing
from backend.tables.job import FINAL, Job, JobEvent

_DAY_SECONDS = 86_400


def forget_old(engine: Engine, data_dir: Path, *, now: datetime, days: int) -> int:
    """Remove what is older than so many days; return how many events went.

    The last event stays, so that a stream of the job still ends.
    """
    ended = select(col(Job.id)).where(
        col(Job.status).in_(FINAL), col(Job.ended_at) < now - timedelta(days=days)
    )
    old = col(JobEvent.final).is_(False)
    with reading(engine) as connection:
        jobs = connection.scalars(
            select(col(JobEvent.job_id)).where(old, col(JobEvent.job_id).in_(ended)).distinct()
        ).all()
    events = 0
    for job_id in jobs:  # one at a time: others want to write, too
        with writing(engine) as connection:
            statement = delete(JobEvent).where(old, col(JobEvent.job_id) == job_id)
            events += connection.execute(statement).rowcount
    oldest = time.time() - days * _DAY_SECONDS
    for path in (data_dir / "logs").glob("*-*.log"):  # of a job, named by its id
        if path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
    for path in (data_dir / "workspaces").glob("*/uploads/*"):
        if path.stat().st_mtime < oldest:
            shutil.rmtree(path, ignore_errors=True)
    return events
