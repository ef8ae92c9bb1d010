"""Jobs: list, show, follow, wait, cancel, resume."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field, ValidationError

from crewtune.calls import Calls, part
from crewtune.errors import ApiError, NotSignedIn, Unreachable, refusal_in_stream
from crewtune.frozen import Frozen

_ENDED = ("succeeded", "failed", "cancelled")
_PAGE = 1000


class JobError(Frozen):
    """Why a job failed."""

    code: str = Field(description="For programs: `out_of_memory`, `disk_full`, `worker_lost` ...")
    reason: str = Field(description="For people: what happened, and what to change.")


class Job(Frozen):
    """One piece of long work."""

    id: UUID
    number: int = Field(description="Order of arrival.")
    kind: str = Field(description="import, recommend, train, evaluate or crew.")
    status: str = Field(description="queued, running, interrupted, succeeded, failed or cancelled.")
    queue: str
    position: int | None = Field(description="Jobs of its queue that begin before it.")
    priority: int = 0
    attempt: int = Field(default=0, description="How often it was begun.")
    cancel_requested: bool = False
    percent: float = Field(description="Share done, 0 to 100, of this attempt.")
    seconds_left: float | None
    request: dict[str, Any] = Field(description="What was asked for.")
    result: dict[str, Any] | None
    error: JobError | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in _ENDED

    @property
    def succeeded(self) -> bool:
        """Whether it did what was asked."""
        return self.status == "succeeded"


class JobPage(Frozen):
    """Some jobs, the newest first."""

    jobs: tuple[Job, ...]
    before: int | None = Field(description="Give this as `before` for the next page.")


class Event(Frozen):
    """One thing that happened to a job."""

    sequence: int
    at: datetime
    type: str = Field(description="queued, started, log, metric, sample, succeeded, failed, ...")
    data: dict[str, Any]
    final: bool = Field(description="It is the job's last.")


class JobCalls(Calls):
    """Jobs."""

    def jobs(
        self,
        *,
        kind: str | None = None,
        status: str | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> JobPage:
        """List your jobs, the newest first."""
        return self._connection.get(
            JobPage, "/api/jobs", kind=kind, status=status, before=before, limit=limit
        )

    def job(self, job_id: UUID | str) -> Job:
        """Show one job."""
        return self._connection.get(Job, f"/api/jobs/{part(job_id)}")

    def job_of_number(self, number: int) -> Job | None:
        """Return your job of that number, if there is one."""
        found = self.jobs(before=number + 1, limit=1).jobs
        return found[0] if found and found[0].number == number else None

    def cancel(self, job_id: UUID | str) -> Job:
        """Cancel a job; a running one saves a checkpoint first. An ended one stays as it is."""
        path = f"/api/jobs/{part(job_id)}/cancel"
        return self._connection.ask(Job, "POST", path, repeatable=True)

    def prioritise(self, job_id: UUID | str, priority: int) -> Job:
        """Move a waiting job in its queue: -10 to 10, higher goes first. Above 0 takes an admin."""
        path = f"/api/jobs/{part(job_id)}/priority"
        return self._connection.ask(Job, "PUT", path, json={"priority": priority}, repeatable=True)

    def resume(self, job_id: UUID | str) -> Job:
        """Start a new job that goes on where a failed or cancelled one ended."""
        return self._connection.start(Job, f"/api/jobs/{part(job_id)}/resume")

    def events(self, job_id: UUID | str, *, after: int = 0) -> list[Event]:
        """Return the job's events so far, those after number `after`."""
        events: list[Event] = []
        path = f"/api/jobs/{part(job_id)}/events"
        while True:
            last = events[-1].sequence if events else after
            page = self._connection.get(list[Event], path, after=last, limit=_PAGE)
            events += page
            if len(page) < _PAGE:
                return events

    def log(self, job_id: UUID | str) -> list[str]:
        """Return the last 200 sentences that the job said."""
        return self._connection.get(list[str], f"/api/jobs/{part(job_id)}/log")

    def wait(self, job_id: UUID | str, *, timeout_seconds: float | None = None) -> Job:
        """Return the job when it has ended, however it ended.

        Raises:
            TimeoutError: It has not ended in that time. It goes on.

        Example:
            job = studio.wait(studio.train("tiny-instruct", "requests").id)
            assert job.succeeded, job.error
        """
        until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        pause = 0.1
        while not (job := self.job(job_id)).ended:
            if until is not None and time.monotonic() + pause > until:
                raise TimeoutError(f"Job {job.number} is {job.status} and goes on.")
            time.sleep(pause)
            pause = min(2 * pause, 2.0)
        return job

    def follow(self, job_id: UUID | str, *, after: int = 0) -> Iterator[Event]:
        """Yield every event after number `after` as it happens, each once, to the job's end.

        A connection that breaks, or a studio that is restarted, is waited for. To stop following,
        stop iterating; the job goes on.

        Raises:
            ApiError: There is no such job, the sign-in ended, or the studio stayed away.

        Example:
            for event in studio.follow(job.id):
                if event.type == "metric":
                    print(event.data["name"], event.data["value"])
        """
        retry, failures, seen = self._connection.retry, 0, time.monotonic()
        while True:
            try:
                # A stream after the last event would tell nothing, and not end.
                if (after or failures) and self.job(job_id).ended:
                    yield from self.events(job_id, after=after)
                    return
                for event in self._stream(job_id, after):
                    after, failures = event.sequence, 0
                    yield event
                    if event.final:
                        return
                    seen = time.monotonic()
                seen = time.monotonic()
            except ApiError as error:
                away = isinstance(error, Unreachable) or error.status in (502, 503, 504)
                if not away or time.monotonic() - seen > retry.patience_seconds:
                    raise
            failures += 1
            time.sleep(retry.pause(failures))

    def _stream(self, job_id: UUID | str, after: int) -> Iterator[Event]:
        """Yield the events of one connection, none of them twice."""
        path = f"/api/jobs/{part(job_id)}/stream"
        with self._connection.stream(path, after) as (messages, signature):
            for message in messages:
                if message.event == "error":
                    refused = refusal_in_stream(message.data)
                    if isinstance(refused, NotSignedIn) and self._connection.renew(signature):
                        return
                    raise refused
                event = _event(message.data)
                if event.sequence > after:
                    after = event.sequence
                    yield event


def _event(data: str) -> Event:
    try:
        return Event.model_validate_json(data)
    except ValidationError as error:
        detail = "The studio sent an event that cannot be read. Is it of another version?"
        raise ApiError(200, "unexpected_answer", detail) from error
