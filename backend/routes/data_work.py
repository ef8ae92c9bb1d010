"""What is done with datasets in jobs: inspect a source, repair, rehearse a split, show tokens."""

from fastapi import APIRouter, status

from backend.deps import Writer
from backend.jobs.public import IdempotencyKey, JobPublic
from backend.jobs.requests import (
    InspectRequest,
    PreviewRequest,
    RehearseRequest,
    RepairRequest,
)
from backend.owned import CounterDep, WorkspaceDep
from backend.problems import problems
from backend.routes.datasets import need_upload
from backend.strict_json import StrictRoute

router = APIRouter(prefix="/data", tags=["data"], route_class=StrictRoute)

_ASKED = problems(401, 403, 404, 409, 413, 415, 422)


@router.post(
    "/inspections", status_code=status.HTTP_201_CREATED, summary="Inspect", responses=_ASKED
)
def inspect(
    request: InspectRequest,
    user: Writer,
    counter: CounterDep,
    workspace: WorkspaceDep,
    idempotency_key: IdempotencyKey = None,
) -> JobPublic:
    """Its result: the format with its confidence, and the first rows before and after."""
    need_upload(workspace, request.upload)
    payload = request.model_dump(mode="json", exclude_none=True)
    return counter.start(user, "inspect", payload, idempotency_key)


@router.post("/repairs", status_code=status.HTTP_201_CREATED, summary="Repair", responses=_ASKED)
def start_repair(
    request: RepairRequest,
    user: Writer,
    counter: CounterDep,
    idempotency_key: IdempotencyKey = None,
) -> JobPublic:
    """Make a new version of a dataset, or go back to an earlier one. No version is lost."""
    counter.need_dataset(user, request.dataset)
    payload = request.model_dump(mode="json", exclude_none=True)
    return counter.start(user, "repair", payload, idempotency_key)


@router.post(
    "/rehearsals", status_code=status.HTTP_201_CREATED, summary="Rehearse", responses=_ASKED
)
def rehearse(
    request: RehearseRequest,
    user: Writer,
    counter: CounterDep,
    idempotency_key: IdempotencyKey = None,
) -> JobPublic:
    """Its result: the repairs and the split that a training would begin with."""
    counter.need_dataset(user, request.dataset)
    return counter.start(user, "rehearse", request.model_dump(mode="json"), idempotency_key)


@router.post(
    "/token-previews", status_code=status.HTTP_201_CREATED, summary="Show tokens", responses=_ASKED
)
def preview_tokens(
    request: PreviewRequest,
    user: Writer,
    counter: CounterDep,
    idempotency_key: IdempotencyKey = None,
) -> JobPublic:
    """Its result: tokens, which are in the loss, where a row is cut, and what is wrong."""
    if request.dataset is not None:
        counter.need_dataset(user, request.dataset)
    payload = request.model_dump(mode="json", exclude_none=True)
    return counter.start(user, "preview", payload, idempotency_key)
