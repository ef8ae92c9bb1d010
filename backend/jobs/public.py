"""Jobs as they leave the server, and how one is asked for."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import Header
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from backend.database import reading
from backend.errors import refused_field
from backend.jobs.orders import KeyConflict, NewJob
from backend.jobs.queries import positions
from backend.jobs.requests import QUEUES
from backend.jobs.store import JobStore
from backend.tables.job import Job, JobStatus

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key never starts two jobs. Make one for each click.",
    ),
]


class Owner(Protocol):
    """Whose job it is."""

    @property
    def id(self) -> UUID:
        """Who it is."""


class JobError(BaseModel):
    """Why a job failed."""

    model_config = ConfigDict(frozen=True)

    code: str = Field(description="For programs: `out_of_memory`, `disk_full`, `worker_lost` ...")
    reason: str = Field(description="For people: what happened, and what to change.")


class JobPublic(BaseModel):
    """A job as its owner sees it."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    number: int = Field(description="Order of arrival.")
    kind: str
    status: JobStatus
    queue: str
    position: int | None = Field(description="Jobs of its queue that begin before it; 0 is next.")
    priority: int
    attempt: int = Field(description="How often it was begun.")
    cancel_requested: bool
    percent: float = Field(description="Share done, 0 to 100, of this attempt.")
    seconds_left: float | None
    request: dict[str, Any] = Field(description="What was asked for.")
    result: dict[str, Any] | None
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None


class JobList(BaseModel):
    """A page of jobs, the newest first."""

    model_config = ConfigDict(frozen=True)

    jobs: list[JobPublic]
    before: int | None = Field(description="Give this as `before` for the next page.")


_WORKER_LOST = (
    "The process that did the work was ended from outside several times. The machine may be short "
    "of memory: make per_device_train_batch_size or max_length smaller, then resume the job."
)


def show_job(connection: Connection, job: Job) -> JobPublic:
    """Return what the owner may see of `job`."""
    return show_jobs(connection, [job])[0]


def show_jobs(connection: Connection, jobs: Sequence[Job]) -> list[JobPublic]:
    """Return what the owner may see of `jobs`."""
    places = positions(connection, jobs)
    return [_show(job, places.get(job.id)) for job in jobs]


def _show(job: Job, place: int | None) -> JobPublic:
    error = dict(job.error or {})
    if error.get("code") == "worker_lost":
        error["reason"] = _WORKER_LOST
    return JobPublic(
        **{
            name: getattr(job, name)
            for name in JobPublic.model_fields
            if name not in ("request", "position", "error")
        },
        request=job.payload,
        position=place,
        error=JobError.model_validate(error) if error else None,
    )


@dataclass(frozen=True)
class Counter:
    """Where jobs are asked for."""

    store: JobStore
    wake: Callable[[], None]

    def start(self, owner: Owner, kind: str, payload: dict[str, Any], key: str | None) -> JobPublic:
        """Put a job in its queue, or find the one that the idempotency key made before.

        Raises:
            Refusal: 409: the key was used for another request.
        """
        asked = json.dumps([kind, payload], sort_keys=True).encode()
        new = NewJob(
            owner_id=owner.id,
            kind=kind,
            payload=payload,
            request_sha256=hashlib.sha256(asked).hexdigest(),
            queue=QUEUES[kind],
            idempotency_key=key,
        )
        try:
            job, _ = self.store.submit(new)
        except KeyConflict as error:
            detail = "This Idempotency-Key was used for another request. Make a new one."
            raise refused_field("/idempotency-key", "key_conflict", detail, status=409) from error
        self.wake()
        with reading(self.store.engine) as connection:
            return show_job(connection, job)
