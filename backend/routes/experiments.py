"""Experiments: the caller's runs in MLflow, and their curves side by side."""

from typing import Annotated

from fastapi import APIRouter, Query

from backend.deps import CurrentUser, SettingsDep
from backend.errors import Refusal, not_found
from backend.jobs.place import OWNER_TAG
from backend.problems import problems
from backend.settings import Settings
from backend.tables.account import User
from tools.tracking.read_runs import CurvePoint, RunPublic, read_curve, read_runs

router = APIRouter(prefix="/experiments", tags=["experiments"])

_MOST_CURVES = 12
RunIds = Annotated[
    list[Annotated[str, Query(pattern=r"^[0-9a-f]{32}$")]],
    Query(min_length=1, max_length=_MOST_CURVES),
]


@router.get("", summary="List your runs", responses=problems(401, 403, 422, 503))
def list_runs(
    user: CurrentUser, settings: SettingsDep, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> list[RunPublic]:
    """As MLflow has them, the newest first."""
    return _runs(user, settings, limit)


@router.get("/curves", summary="Compare curves", responses=problems(401, 403, 404, 422, 503))
def compare_curves(
    user: CurrentUser,
    settings: SettingsDep,
    run_id: RunIds,
    metric: Annotated[str, Query(pattern=r"^[\w./ -]{1,100}$")] = "loss",
) -> dict[str, list[CurvePoint]]:
    """One metric of several runs, by step."""
    own = {run.run_id for run in _runs(user, settings, 200)}
    if not set(run_id) <= own:
        raise not_found()
    return {one: read_curve(_server(settings), one, metric) for one in run_id}


def _runs(user: User, settings: Settings, limit: int) -> list[RunPublic]:
    tags = {OWNER_TAG: str(user.id)}
    return read_runs(_server(settings), settings.mlflow_experiment, tags=tags, limit=limit)


def _server(settings: Settings) -> str:
    server = settings.mlflow_tracking_uri
    if server is None or not server.startswith("http"):
        detail = "There is no MLflow server to ask. `make up` starts one."
        raise Refusal(503, detail, code="tracking_unavailable", headers={"Retry-After": "60"})
    return server
