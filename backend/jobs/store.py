"""Change jobs in the database, which is the truth about them.

Every change is one conditional update inside a transaction: it names the state it expects, and
changes nothing when another was faster. A worker holds a job by its `token`; each time the job is
taken or taken away the token grows, so that what an earlier holder still writes changes no row.

Not covered: reading (`queries.py`), and deciding that a worker is dead (`dispatcher.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection, Engine, case, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from backend.clock import Clock, utc_now
from backend.database import writing
from backend.jobs.orders import Ending, Happening, JobLost, KeyConflict, NewJob
from backend.jobs.queries import find, find_by_key
from backend.tables.job import FINAL, WAITING, Job, JobEvent, JobStatus, Queue

ATTEMPTS = 4  # how often a job is begun before its workers' deaths count as its failure
_BACK_OFF_SECONDS = (2, 10, 60)


class JobStore:
    """Changes jobs. Safe to use from several threads, processes and machines at once."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self.engine = engine
        self._clock = clock

    def submit(self, new: NewJob) -> tuple[Job, bool]:
        """Put a job in its queue; return it, and whether it is new.

        The same idempotency key of the same owner returns the job it made before.

        Raises:
            KeyConflict: The key was used for another request.
        """
        with writing(self.engine) as connection:
            number = connection.execute(self._insert_once(connection, new)).scalar()
            if number is None:
                before = find_by_key(connection, new.owner_id, new.idempotency_key or "")
                if before.request_sha256 != new.request_sha256:
                    raise KeyConflict
                return before, False
            job = find(connection, col(Job.number) == number)
            self._tell(connection, job.id, 1, Happening("queued", {"queue": new.queue}))
            return job, True

    def claim(self, queue: str, slots: int, worker: Mapping[str, Any]) -> Job | None:
        """Take the next job of `queue` when fewer than `slots` are running, or return None."""
        now = self._clock()
        with writing(self.engine) as connection:
            job_id = _next_in(connection, queue, slots, now)
            if job_id is None:
                return None
            values = {
                "status": JobStatus.RUNNING,
                "token": Job.token + 1,
                "attempt": Job.attempt + 1,
                "worker": dict(worker),
                "percent": 0.0,
                "seconds_left": None,
                "started_at": func.coalesce(col(Job.started_at), now),
            }
            if not self._change(connection, _waiting(job_id), values, Happening("started")):
                return None
            return find(connection, col(Job.id) == job_id)

    def report(
        self,
        job_id: UUID,
        token: int,
        happenings: Sequence[Happening] = (),
        *,
        percent: float | None = None,
        seconds_left: float | None = None,
    ) -> bool:
        """Give a sign of life and tell what happened; return whether the job is to be cancelled.

        Raises:
            JobLost: The job is not, or no longer, the caller's.
        """
        done = func.coalesce(percent, Job.percent)
        statement = (
            update(Job)
            .where(*_held(job_id, token))
            .values(
                beats=Job.beats + 1,
                events=Job.events + len(happenings),
                percent=case((done > col(Job.percent), done), else_=col(Job.percent)),
                seconds_left=seconds_left,
            )
            .returning(col(Job.events), col(Job.cancel_requested))
        )
        with writing(self.engine) as connection:
            row = connection.execute(statement).one_or_none()
            if row is None:
                raise JobLost
            first = row.events - len(happenings) + 1
            for sequence, happening in enumerate(happenings, start=first):
                self._tell(connection, job_id, sequence, happening, token=token)
            return bool(row.cancel_requested)

    def note_worker(self, job_id: UUID, token: int, worker: Mapping[str, Any]) -> bool:
        """Keep where the worker runs; return False when the job is no longer its own."""
        statement = update(Job).where(*_held(job_id, token)).values(worker=dict(worker))
        with writing(self.engine) as connection:
            return connection.execute(statement).rowcount == 1

    def finish(self, job_id: UUID, token: int, ending: Ending) -> bool:
        """End the job; return False when it is no longer the caller's, and nothing changed."""
        with writing(self.engine) as connection:
            return self._end(connection, _held(job_id, token), ending, token=token)

    def cancel(self, job_id: UUID) -> JobStatus:
        """Cancel a job that waits; ask for it when it runs; leave one alone that has ended."""
        with writing(self.engine) as connection:
            if self._end(connection, _waiting(job_id), Ending(JobStatus.CANCELLED)):
                return JobStatus.CANCELLED
            asked = [
                col(Job.id) == job_id,
                col(Job.status) == JobStatus.RUNNING,
                col(Job.cancel_requested).is_(False),
            ]
            values = {"cancel_requested": True}
            self._change(connection, asked, values, Happening("cancel_requested"))
            return JobStatus(find(connection, col(Job.id) == job_id).status)

    def prioritise(self, job_id: UUID, priority: int) -> bool:
        """Let a waiting job go by another priority; return False when it does not wait."""
        told = Happening("priority", {"priority": priority})
        with writing(self.engine) as connection:
            return self._change(connection, _waiting(job_id), {"priority": priority}, told)

    def take_away(self, job_id: UUID, token: int, beats: int | None = None) -> JobStatus | None:
        """Take a running job from its worker, to be begun again; return where it stands now.

        Args:
            job_id: The job.
            token: Of the worker that has it.
            beats: The signs of life that were seen last. None: the worker itself gives it back.

        Returns:
            `interrupted`; `cancelled` when that was asked for; `failed` when too many workers
            were lost; None when the worker was alive after all, and nothing changed.
        """
        held = _held(job_id, token)
        if beats is not None:
            held = [*held, col(Job.beats) == beats]
        with writing(self.engine) as connection:
            statement = select(Job).where(*held).with_for_update()
            row = connection.execute(statement).mappings().one_or_none()
            if row is None:
                return None
            job = Job.model_validate(dict(row))
            worn_out = beats is not None and job.attempt >= ATTEMPTS
            if job.cancel_requested or worn_out:
                lost = Ending(JobStatus.FAILED, error={"code": "worker_lost"})
                ending = Ending(JobStatus.CANCELLED) if job.cancel_requested else lost
                return ending.status if self._end(connection, held, ending) else None
            pause = 0 if beats is None else _BACK_OFF_SECONDS[min(job.attempt, 3) - 1]
            values = {
                "status": JobStatus.INTERRUPTED,
                "token": Job.token + 1,
                "not_before": self._clock() + timedelta(seconds=pause),
                "seconds_left": None,
                "worker": None,
            }
            told = Happening("interrupted", {"attempt": job.attempt, "again_in_seconds": pause})
            return JobStatus.INTERRUPTED if self._change(connection, held, values, told) else None

    def _insert_once(self, connection: Connection, new: NewJob) -> Any:
        now = self._clock()
        values = {
            "id": uuid4(),
            **{name: getattr(new, name) for name in NewJob.__dataclass_fields__},
            "payload": dict(new.payload),
            "created_at": now,
            "not_before": now,
            "events": 1,
        }
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        return (
            dialect.insert(Job)
            .values(values)
            .on_conflict_do_nothing(index_elements=["owner_id", "idempotency_key"])
            .returning(col(Job.number))
        )

    def _end(
        self,
        connection: Connection,
        where: list[ColumnElement[bool]],
        ending: Ending,
        *,
        token: int = 0,
    ) -> bool:
        if ending.status not in FINAL:
            raise ValueError(f"{ending.status} is no ending.")
        values: dict[str, Any] = {
            "status": ending.status,
            "result": dict(ending.result) if ending.result is not None else None,
            "error": dict(ending.error) if ending.error is not None else None,
            "ended_at": self._clock(),
            "seconds_left": None,
            "worker": None,
        }
        if ending.status is JobStatus.SUCCEEDED:
            values["percent"] = 100.0
        told = Happening(ending.status, ending.error or {})
        return self._change(connection, where, values, told, token=token, final=True)

    def _change(
        self,
        connection: Connection,
        where: list[ColumnElement[bool]],
        values: dict[str, Any],
        told: Happening,
        *,
        token: int = 0,
        final: bool = False,
    ) -> bool:
        """Change the one job that `where` still fits, and tell it; return whether there was one."""
        statement = update(Job).where(*where).values(**values, events=Job.events + 1)
        row = connection.execute(statement.returning(col(Job.id), col(Job.events))).one_or_none()
        if row is not None:
            self._tell(connection, row.id, row.events, told, token=token, final=final)
        return row is not None

    def _tell(
        self,
        connection: Connection,
        job_id: UUID,
        sequence: int,
        happening: Happening,
        *,
        token: int = 0,
        final: bool = False,
    ) -> None:
        values = {
            "job_id": job_id,
            "sequence": sequence,
            "at": self._clock(),
            "type": happening.type,
            "data": dict(happening.data),
            "token": token,
            "final": final,
        }
        connection.execute(insert(JobEvent).values(values))


def _next_in(connection: Connection, queue: str, slots: int, now: datetime) -> UUID | None:
    """Return the job whose turn it is, or None when there is none or every slot is taken."""
    # Holding the queue's row makes counting and taking one step for all dispatchers.
    connection.execute(select(Queue).where(col(Queue.name) == queue).with_for_update())
    running = connection.scalar(
        select(func.count()).where(col(Job.queue) == queue, col(Job.status) == JobStatus.RUNNING)
    )
    if (running or 0) >= slots:
        return None
    return connection.scalar(
        select(col(Job.id))
        .where(
            col(Job.queue) == queue,
            col(Job.status).in_(WAITING),
            col(Job.not_before) <= now,
        )
        .order_by(col(Job.priority).desc(), col(Job.number))
        .limit(1)
    )


def _held(job_id: UUID, token: int) -> list[ColumnElement[bool]]:
    return [
        col(Job.id) == job_id,
        col(Job.token) == token,
        col(Job.status) == JobStatus.RUNNING,
    ]


def _waiting(job_id: UUID) -> list[ColumnElement[bool]]:
    return [col(Job.id) == job_id, col(Job.status).in_(WAITING)]
