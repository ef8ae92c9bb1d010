"""Read jobs and their events. Nothing here changes anything."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, func, select
from sqlmodel import col

from backend.tables.job import FINAL, WAITING, Job, JobEvent, JobStatus, run_of

PAGE = 200  # events handed out at once


def find(connection: Connection, where: ColumnElement[bool]) -> Job:
    """Return the one job that fits `where`."""
    return _job(connection.execute(select(Job).where(where)).mappings().one())


def find_owned(connection: Connection, owner_id: UUID, job_id: UUID) -> Job | None:
    """Return the job, or None when there is none or it is another's."""
    statement = select(Job).where(col(Job.id) == job_id, col(Job.owner_id) == owner_id)
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else _job(row)


def find_by_key(connection: Connection, owner_id: UUID, key: str) -> Job:
    """Return the job that the owner's idempotency key made."""
    fits = (col(Job.owner_id) == owner_id) & (col(Job.idempotency_key) == key)
    return find(connection, fits)


def list_owned(
    connection: Connection,
    owner_id: UUID,
    *,
    kinds: Sequence[str] = (),
    statuses: Sequence[str] = (),
    before: int | None = None,
    limit: int = 50,
) -> list[Job]:
    """Return the owner's newest jobs, those that came `before` a number when one is given."""
    statement = select(Job).where(col(Job.owner_id) == owner_id)
    if kinds:
        statement = statement.where(col(Job.kind).in_(kinds))
    if statuses:
        statement = statement.where(col(Job.status).in_(statuses))
    if before is not None:
        statement = statement.where(col(Job.number) < before)
    rows = connection.execute(statement.order_by(col(Job.number).desc()).limit(limit)).mappings()
    return [_job(row) for row in rows]


def running(connection: Connection) -> list[Job]:
    """Return every job that has a worker."""
    statement = select(Job).where(col(Job.status) == JobStatus.RUNNING)
    return [_job(row) for row in connection.execute(statement).mappings()]


def runs_at_work(connection: Connection) -> set[str]:
    """Return the runs of all jobs that wait or run, and of the trainings that they compare."""
    statement = select(Job).where(col(Job.status).not_in(FINAL))
    jobs = [_job(row) for row in connection.execute(statement).mappings()]
    # An evaluation writes into the folder of its training.
    compared = {UUID(job.payload["training"]) for job in jobs if "training" in job.payload}
    trainings = select(Job).where(col(Job.id).in_(compared))
    jobs += [_job(row) for row in connection.execute(trainings).mappings()]
    return {run_of(job) for job in jobs}


def positions(connection: Connection, jobs: Sequence[Job]) -> dict[UUID, int]:
    """Return how many jobs of its queue begin before each of those `jobs` that wait."""
    waiting = [job for job in jobs if job.status in WAITING]
    if not waiting:
        return {}
    order = (col(Job.priority).desc(), col(Job.number))
    line = func.row_number().over(partition_by=col(Job.queue), order_by=order)
    # One question for a whole page: its jobs may all wait.
    ranked = (
        select(col(Job.id), (line - 1).label("position"))
        .where(
            col(Job.queue).in_({job.queue for job in waiting}),
            col(Job.status).in_(WAITING),
        )
        .subquery()
    )
    asked = select(ranked).where(ranked.c.id.in_([job.id for job in waiting]))
    return {row.id: row.position for row in connection.execute(asked)}


def events_after(
    connection: Connection, job_id: UUID, sequence: int, limit: int = PAGE
) -> list[JobEvent]:
    """Return the job's events with a higher sequence number, oldest first."""
    statement = (
        select(JobEvent)
        .where(col(JobEvent.job_id) == job_id, col(JobEvent.sequence) > sequence)
        .order_by(col(JobEvent.sequence))
        .limit(limit)
    )
    rows = connection.execute(statement).mappings()
    return [JobEvent.model_validate(dict(row)) for row in rows]


def last_sentences(connection: Connection, job_id: UUID, limit: int) -> list[str]:
    """Return the last sentences of the job's log, oldest first."""
    statement = (
        select(col(JobEvent.data))
        .where(col(JobEvent.job_id) == job_id, col(JobEvent.type) == "log")
        .order_by(col(JobEvent.sequence).desc())
        .limit(limit)
    )
    return [str(data["message"]) for data in connection.scalars(statement)][::-1]


def counts(connection: Connection) -> dict[tuple[str, str], int]:
    """Return how many jobs there are by queue and status."""
    statement = select(col(Job.queue), col(Job.status), func.count())
    rows = connection.execute(statement.group_by(col(Job.queue), col(Job.status)))
    return {(queue, status): count for queue, status, count in rows}


def _job(row: Any) -> Job:
    return Job.model_validate(dict(row))
