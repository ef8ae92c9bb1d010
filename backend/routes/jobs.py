"""Jobs: list, show, cancel, resume, and what they have to say, page by page or live."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from backend.database import reading
from backend.deps import CurrentUser, EngineDep, Writer
from backend.errors import Refusal, refused_field
from backend.jobs.feed import EventPublic, public
from backend.jobs.public import IdempotencyKey, JobList, JobPublic, show_job, show_jobs
from backend.jobs.queries import PAGE, events_after, find_owned, last_sentences, list_owned
from backend.jobs.requests import Kind, PriorityRequest
from backend.owned import CounterDep, OwnedJob
from backend.problems import problems
from backend.strict_json import StrictRoute
from backend.tables.account import Role
from backend.tables.job import JobStatus, run_of

router = APIRouter(prefix="/jobs", tags=["jobs"], route_class=StrictRoute)

_LOG_LINES = 200
_BIGGEST = 2**31 - 1  # what PostgreSQL keeps in the columns that count
Sequence = Annotated[int, Query(ge=0, le=_BIGGEST)]


@router.get("", summary="List your jobs", responses=problems(401, 403, 422))
def list_jobs(
    user: CurrentUser,
    engine: EngineDep,
    kind: Annotated[list[Kind] | None, Query(max_length=8)] = None,
    status: Annotated[list[JobStatus] | None, Query(max_length=8)] = None,
    before: Annotated[int | None, Query(ge=1, le=_BIGGEST)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> JobList:
    """The newest first."""
    with reading(engine) as connection:
        jobs = list_owned(
            connection,
            user.id,
            kinds=kind or (),
            statuses=status or (),
            before=before,
            limit=limit,
        )
        shown = show_jobs(connection, jobs)
    return JobList(jobs=shown, before=jobs[-1].number if len(jobs) == limit else None)


@router.get("/{job_id}", summary="Show one job", responses=problems(401, 403, 404, 422))
def show_one_job(job: OwnedJob, engine: EngineDep) -> JobPublic:
    """Its status, place in the queue, time left, result, or why it failed."""
    with reading(engine) as connection:
        return show_job(connection, job)


@router.post("/{job_id}/cancel", summary="Cancel a job", responses=problems(401, 403, 404, 422))
def cancel_job(job: OwnedJob, user: Writer, counter: CounterDep) -> JobPublic:
    """A waiting job ends at once; a running one saves a checkpoint first. An ended one stays."""
    counter.store.cancel(job.id)
    counter.wake()
    with reading(counter.store.engine) as connection:
        found = find_owned(connection, user.id, job.id)
        return show_job(connection, found or job)


@router.put(
    "/{job_id}/priority",
    summary="Move a waiting job in its queue",
    responses=problems(401, 403, 404, 409, 413, 415, 422),
)
def prioritise_job(
    request: PriorityRequest, job: OwnedJob, user: Writer, counter: CounterDep
) -> JobPublic:
    """Higher goes first, and equals in the order of arrival. Above 0 takes an admin."""
    if request.priority > 0 and user.role != Role.ADMIN:
        detail = "Only an admin may let a job go before the others. Give 0 or less."
        raise refused_field("/priority", "forbidden", detail, status=403)
    if not counter.store.prioritise(job.id, request.priority):
        raise Refusal(409, "The job does not wait any more.", code="not_waiting")
    with reading(counter.store.engine) as connection:
        return show_job(connection, find_owned(connection, user.id, job.id) or job)


@router.post(
    "/{job_id}/resume",
    status_code=status.HTTP_201_CREATED,
    summary="Resume a job that failed or was cancelled",
    responses=problems(401, 403, 404, 409, 422),
)
def resume_job(
    job: OwnedJob, user: Writer, counter: CounterDep, idempotency_key: IdempotencyKey = None
) -> JobPublic:
    """Start a new job that goes on in the folder of this one, from its newest checkpoint."""
    if job.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        detail = f"The job is {job.status}. Only one that failed or was cancelled can be resumed."
        raise Refusal(409, detail, code="not_resumable")
    payload = {**job.payload, "run": run_of(job)}
    return counter.start(user, job.kind, payload, idempotency_key)


@router.get(
    "/{job_id}/events", summary="Read a job's events", responses=problems(401, 403, 404, 422)
)
def list_events(
    job: OwnedJob,
    engine: EngineDep,
    after: Sequence = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = PAGE,
) -> list[EventPublic]:
    """Those after a sequence number, the oldest first."""
    with reading(engine) as connection:
        return [public(event) for event in events_after(connection, job.id, after, limit)]


@router.get(
    "/{job_id}/log", summary="Read the end of a job's log", responses=problems(401, 403, 404, 422)
)
def read_log(job: OwnedJob, engine: EngineDep) -> list[str]:
    """What the job said, a sentence a line: the last 200."""
    with reading(engine) as connection:
        return last_sentences(connection, job.id, _LOG_LINES)
