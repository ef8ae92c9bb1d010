"""Models: those on this machine, and search of the Hub for models and datasets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from backend.database import reading
from backend.deps import CurrentUser, EngineDep, SettingsDep
from backend.jobs.queries import list_owned
from backend.owned import WorkspaceDep
from backend.problems import problems
from backend.samples import TINY
from backend.settings import Settings
from backend.tables.job import Job, JobStatus
from tools.errors import ModelError
from tools.hub.search_hub import HubSearch, Kind, search_hub
from tools.hub.weight_files import count_elements, weight_files
from tools.workspace import Workspace

router = APIRouter(tags=["models"])

_TUNED = 100  # shown, the newest
Words = Annotated[str, Query(max_length=100, description="Words to look for; may be empty.")]
Limit = Annotated[int, Query(ge=1, le=50)]


class ModelPublic(BaseModel):
    """A model that can be used at once."""

    model_config = ConfigDict(frozen=True)

    name: str
    kind: Literal["bundled", "local", "cached", "tuned"]
    bytes: int | None
    parameters: int | None = Field(default=None, description="None where it was not counted.")
    base: str | None = Field(default=None, description="Of a tuned model: what it was made from.")
    job_id: str | None = Field(default=None, description="Of a tuned model: the training's job.")


@router.get("/models", summary="List the models on this machine", responses=problems(401, 403))
def list_models(
    user: CurrentUser, settings: SettingsDep, workspace: WorkspaceDep, engine: EngineDep
) -> list[ModelPublic]:
    """The bundled one, those in your workspace, copies of the Hub's, and what you trained."""
    with reading(engine) as connection:
        trained = list_owned(
            connection,
            user.id,
            kinds=["train"],
            statuses=[JobStatus.SUCCEEDED],
            limit=_TUNED,
        )
    tuned = [_tuned(job) for job in trained]
    return [*_local(settings, workspace), *_cached(), *tuned]


@router.get("/hub/models", summary="Search the Hub for models", responses=problems(401, 403, 422))
def search_models(
    _user: CurrentUser, settings: SettingsDep, query: Words = "", limit: Limit = 20
) -> HubSearch:
    """Models that write text, the most downloaded first."""
    return _search("model", query, limit=limit, settings=settings)


@router.get(
    "/hub/datasets", summary="Search the Hub for datasets", responses=problems(401, 403, 422)
)
def search_datasets(
    _user: CurrentUser, settings: SettingsDep, query: Words = "", limit: Limit = 20
) -> HubSearch:
    """The most downloaded first."""
    return _search("dataset", query, limit=limit, settings=settings)


def _search(kind: Kind, query: str, *, limit: int, settings: Settings) -> HubSearch:
    token = settings.hf_token
    return search_hub(
        kind,
        query,
        limit=limit,
        token=token.get_secret_value() if token else None,
        endpoint=settings.hf_endpoint,
    )


def _local(settings: Settings, workspace: Workspace) -> Iterator[ModelPublic]:
    shared = settings.data_dir / "models"
    if not (shared / TINY).is_dir():
        yield ModelPublic(name=TINY, kind="bundled", bytes=None)
    for folder in sorted((*_folders(shared), *_folders(workspace.models))):
        kind: Literal["bundled", "local"] = "bundled" if folder.name == TINY else "local"
        size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
        yield ModelPublic(name=folder.name, kind=kind, bytes=size, parameters=_parameters(folder))


def _parameters(folder: Path) -> int | None:
    try:
        return count_elements(weight_files(folder))
    except ModelError:  # it is listed, and refused with the reason when it is used
        return None


def _folders(place: Path) -> Iterator[Path]:
    if place.is_dir():
        yield from (one for one in place.iterdir() if (one / "config.json").is_file())


def _cached() -> Iterator[ModelPublic]:
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = sorted(scan_cache_dir().repos, key=lambda one: one.repo_id)
    except CacheNotFound:
        return
    for one in repositories:
        if one.repo_type == "model":
            yield ModelPublic(name=one.repo_id, kind="cached", bytes=one.size_on_disk)


def _tuned(job: Job) -> ModelPublic:
    asked = job.payload
    name = f"{asked['model']} on {asked['dataset']}"
    return ModelPublic(
        name=name, kind="tuned", bytes=None, base=str(asked["model"]), job_id=str(job.id)
    )
