"""What is done with datasets in jobs: inspect a source, repair, rehearse a split, show tokens."""

from fastapi import APIRouter, status

from backend.desk import DeskDep
from backend.jobs.public import JobPublic
from backend.jobs.requests import (
    InspectRequest,
    PreviewRequest,
    RehearseRequest,
    RepairRequest,
)
from backend.problems import problems
from backend.strict_json import StrictRoute

router = APIRouter(prefix="/data", tags=["data"], route_class=StrictRoute)

_ASKED = problems(401, 403, 404, 409, 413, 415, 422)


@router.post(
    "/inspections", status_code=status.HTTP_201_CREATED, summary="Inspect", responses=_ASKED
)
def inspect(request: InspectRequest, desk: DeskDep) -> JobPublic:
    """Its result: the format with its confidence, and the first rows before and after."""
    desk.need_upload(request.upload)
    return desk.start("inspect", request)


@router.post("/repairs", status_code=status.HTTP_201_CREATED, summary="Repair", responses=_ASKED)
def start_repair(request: RepairRequest, desk: DeskDep) -> JobPublic:
    """Make a new version of a dataset, or go back to an earlier one. No version is lost."""
    desk.need_dataset(request.dataset)
    return desk.start("repair", request)


@router.post(
    "/rehearsals", status_code=status.HTTP_201_CREATED, summary="Rehearse", responses=_ASKED
)
def rehearse(request: RehearseRequest, desk: DeskDep) -> JobPublic:
    """Its result: the repairs and the split that a training would begin with."""
    desk.need_dataset(request.dataset)
    return desk.start("rehearse", request)


@router.post(
    "/token-previews", status_code=status.HTTP_201_CREATED, summary="Show tokens", responses=_ASKED
)
def preview_tokens(request: PreviewRequest, desk: DeskDep) -> JobPublic:
    """Its result: tokens, which are in the loss, where a row is cut, and what is wrong."""
    if request.dataset is not None:
        desk.need_dataset(request.dataset)
    return desk.start("preview", request)
