"""What is asked of the job store, and what it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from backend.tables.job import JobStatus


class JobLost(Exception):
    """The job is no longer this worker's: it ended, or another worker has it."""


class KeyConflict(Exception):
    """The idempotency key was used before, for another request."""


@dataclass(frozen=True)
class NewJob:
    """What is asked for."""

    owner_id: UUID
    kind: str
    payload: Mapping[str, Any]
    request_sha256: str
    queue: str = "cpu"
    priority: int = 0
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Happening:
    """Something to tell about a job: a `log`, a `metric`, a `sample` ..."""

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ending:
    """How a job ended: `result` when it succeeded, `error` when it failed."""

    status: JobStatus
    result: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
