"""Trainings, recommendations, evaluations and crew runs: ask for one, and get its job."""

import json
from pathlib import Path
from typing import Any

from fastapi import APIRouter, status
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from backend.database import reading
from backend.deps import EngineDep
from backend.desk import DeskDep
from backend.errors import invalid_fields, not_found, refused_field
from backend.jobs.public import JobPublic
from backend.jobs.queries import find_owned
from backend.jobs.requests import CrewRequest, EvaluateRequest, RecommendRequest, TrainRequest
from backend.owned import OwnedJob, WorkspaceDep
from backend.problems import problems
from backend.strict_json import StrictRoute
from backend.tables.job import Job, JobStatus, run_of
from tools.workspace import Workspace

router = APIRouter(tags=["work"], route_class=StrictRoute)

_ASKED = problems(401, 403, 404, 409, 413, 415, 422)
# The page brings its own style and pictures, and may fetch and run nothing.
_REPORT_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
}


@router.post("/trainings", status_code=status.HTTP_201_CREATED, summary="Train", responses=_ASKED)
def start_training(request: TrainRequest, desk: DeskDep) -> JobPublic:
    """Train an adapter with the recommended recipe and your changes to it."""
    desk.need_dataset(request.dataset)
    try:
        recipe = request.changes()
    except ValidationError as error:
        raise invalid_fields(error.errors(), under=("recipe",)) from error
    return desk.start("train", request.model_copy(update={"recipe": recipe}))


@router.post(
    "/trainings/recommendation",
    status_code=status.HTTP_201_CREATED,
    summary="Recommend a recipe",
    responses=_ASKED,
)
def recommend_recipe(request: RecommendRequest, desk: DeskDep) -> JobPublic:
    """Its result is a recipe for this machine, model and dataset, with a reason for each value."""
    desk.need_dataset(request.dataset)
    return desk.start("recommend", request)


@router.post(
    "/evaluations", status_code=status.HTTP_201_CREATED, summary="Evaluate", responses=_ASKED
)
def start_evaluation(request: EvaluateRequest, desk: DeskDep, engine: EngineDep) -> JobPublic:
    """Compare a trained adapter with its base on held-out rows, and let the gate decide."""
    with reading(engine) as connection:
        training = find_owned(connection, desk.user.id, request.training)
    if training is None or training.kind != "train":
        raise refused_field("/training", "not_found", "There is no such training.", status=404)
    if training.status != JobStatus.SUCCEEDED:
        raise refused_field(
            "/training", "not_ready", f"The training is {training.status}.", status=409
        )
    return desk.start("evaluate", request)


@router.post(
    "/crew-runs", status_code=status.HTTP_201_CREATED, summary="Call the crew", responses=_ASKED
)
def start_crew_run(request: CrewRequest, desk: DeskDep) -> JobPublic:
    """Let the four agents repair the data, train, prove and record."""
    desk.need_dataset(request.dataset)
    return desk.start("crew", request)


@router.get(
    "/crew-runs/{job_id}/receipts",
    summary="Read the agents' receipts",
    responses=problems(401, 403, 404, 422),
)
def list_receipts(job: OwnedJob, workspace: WorkspaceDep) -> list[dict[str, Any]]:
    """What each agent was told, called and answered, of the steps that ended."""
    receipts = _crew_folder(job, workspace).glob("receipts/*.json")
    return [json.loads(path.read_text("utf-8")) for path in sorted(receipts)]


@router.get(
    "/crew-runs/{job_id}/report",
    summary="Read the report",
    response_class=HTMLResponse,
    responses=problems(401, 403, 404, 422),
)
def read_report(job: OwnedJob, workspace: WorkspaceDep) -> HTMLResponse:
    """The verdict as a page that needs nothing else."""
    path = _crew_folder(job, workspace) / "report.html"
    if not path.is_file():
        raise not_found()
    return HTMLResponse(path.read_text(encoding="utf-8"), headers=_REPORT_HEADERS)


def _crew_folder(job: Job, workspace: Workspace) -> Path:
    """Return the folder of a crew run. Reading does not make it: a waiting run has none yet."""
    if job.kind != "crew":
        raise not_found()
    return workspace.root / "runs" / run_of(job)
