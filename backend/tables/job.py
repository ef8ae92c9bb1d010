"""Jobs, what happened to them, and the queues they wait in."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, Column, ForeignKey, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


class JobStatus(StrEnum):
    """Where a job stands. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)
WAITING = (JobStatus.QUEUED, JobStatus.INTERRUPTED)


class Queue(SQLModel, table=True):
    """A line that jobs wait in. A dispatcher locks its row while it takes one from it."""

    __tablename__ = "queues"

    name: str = Field(primary_key=True, max_length=16)


class Job(SQLModel, table=True):
    """One piece of long work."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("owner_id", "idempotency_key"),
        Index("ix_jobs_line", "queue", "status", "priority", "number"),
    )

    number: int | None = Field(default=None, primary_key=True, description="Order of arrival.")
    id: UUID = Field(default_factory=uuid4, unique=True)
    owner_id: UUID = Field(index=True)
    kind: str = Field(max_length=32)
    payload: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    queue: str = Field(sa_column=Column(ForeignKey("queues.name"), nullable=False))
    priority: int = 0
    status: str = Field(default=JobStatus.QUEUED, max_length=16)
    idempotency_key: str | None = Field(default=None, max_length=128)
    request_sha256: str = Field(max_length=64, description="Of kind and payload as sent.")

    attempt: int = Field(default=0, description="How often it was begun.")
    token: int = Field(default=0, description="Fencing: who holds an older one writes nothing.")
    beats: int = Field(default=0, description="Signs of life of its worker.")
    events: int = Field(default=0, description="Sequence number of its last event.")
    worker: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    cancel_requested: bool = False
    percent: float = Field(default=0.0, description="Share done, 0 to 100, of this attempt.")
    seconds_left: float | None = None
    result: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))
    error: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON))

    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    not_before: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    started_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class JobEvent(SQLModel, table=True):
    """One thing that happened to a job. Rows are never changed; old ones are forgotten."""

    __tablename__ = "job_events"
    __table_args__ = (
        UniqueConstraint("job_id", "sequence"),
        # The database itself forbids a second ending.
        Index(
            "ux_job_events_ending",
            "job_id",
            unique=True,
            sqlite_where=text("final"),
            postgresql_where=text("final"),
        ),
    )

    number: int | None = Field(default=None, primary_key=True)
    job_id: UUID = Field(
        sa_column=Column(ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False)
    )
    sequence: int
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    type: str = Field(max_length=16)
    data: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    token: int = Field(default=0, description="Of the worker that said it; 0: not a worker.")
    final: bool = False


def run_of(job: Job) -> str:
    """Return the job's run: the same for every attempt, and for a job that resumes it."""
    return str(job.payload.get("run") or job.id.hex)
