"""Datasets: add one from the Hub or an upload, look at it, check it, forget it."""

from datetime import datetime
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from backend.datasets import forget_dataset, list_datasets
from backend.deps import CurrentUser, EngineDep, Writer
from backend.errors import refused_field
from backend.jobs.public import IdempotencyKey, JobPublic
from backend.jobs.requests import ImportRequest
from backend.owned import CounterDep, OwnedDataset, WorkspaceDep
from backend.problems import problems
from backend.strict_json import StrictRoute
from backend.tables.dataset import Dataset
from tools.data.conversation import read_conversations
from tools.data.validate_dataset import ValidationReport
from tools.errors import DatasetError, WorkspaceError

router = APIRouter(prefix="/datasets", tags=["data"], route_class=StrictRoute)


class DatasetPublic(BaseModel):
    """A dataset as its owner sees it."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    name: str
    version: str = Field(description="Names the rows: the same version always holds the same.")
    source: str
    format: str
    rows: int
    created_at: datetime
    report: dict[str, Any] = Field(description="What the import read and left out.")


class RowPage(BaseModel):
    """Some rows of a dataset."""

    model_config = ConfigDict(frozen=True)

    rows: list[dict[str, Any]]
    total: int


def _show(dataset: Dataset) -> DatasetPublic:
    return DatasetPublic.model_validate(dataset, from_attributes=True)


@router.get("", summary="List your datasets", responses=problems(401, 403))
def list_my_datasets(user: CurrentUser, engine: EngineDep) -> list[DatasetPublic]:
    """By name."""
    return [_show(dataset) for dataset in list_datasets(engine, user.id)]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    summary="Add a dataset",
    responses=problems(401, 403, 404, 409, 413, 415, 422),
)
def add_dataset(
    request: ImportRequest,
    user: Writer,
    counter: CounterDep,
    workspace: WorkspaceDep,
    idempotency_key: IdempotencyKey = None,
) -> JobPublic:
    """Start the import of a dataset of the Hub, of a file that was uploaded, or of the sample."""
    if request.upload is not None:
        try:
            workspace.upload(request.upload)
        except (DatasetError, WorkspaceError) as error:
            raise refused_field("/upload", "not_found", str(error), status=404) from error
    payload = request.model_dump(mode="json", exclude_none=True)
    return counter.start(user, "import", payload, idempotency_key)


@router.get("/{name}", summary="Show one dataset", responses=problems(401, 403, 404, 422))
def show_one_dataset(dataset: OwnedDataset) -> DatasetPublic:
    """Where it came from, its format, and what the import left out."""
    return _show(dataset)


@router.get("/{name}/rows", summary="Look at rows", responses=problems(401, 403, 404, 422))
def show_rows(
    dataset: OwnedDataset,
    workspace: WorkspaceDep,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> RowPage:
    """In the one shape that every format becomes."""
    rows = read_conversations(workspace.dataset(dataset.version), skip=offset)
    return RowPage(
        rows=[row.model_dump(mode="json", exclude_defaults=True) for row in islice(rows, limit)],
        total=dataset.rows,
    )


@router.get(
    "/{name}/validation", summary="Show what is wrong", responses=problems(401, 403, 404, 422)
)
def show_validation(dataset: OwnedDataset) -> ValidationReport:
    """What the check after the import found, row by row."""
    return ValidationReport.model_validate(dataset.validation)


@router.delete(
    "/{name}",
    status_code=status.HTTP_204_NO_CONTENT,
    summary="Delete a dataset",
    responses=problems(401, 403, 404, 422),
)
def delete_dataset(dataset: OwnedDataset, user: Writer, engine: EngineDep) -> Response:
    """Forget it. Rows that a run was made with stay with the run."""
    forget_dataset(engine, user.id, dataset.name)
    return Response(status_code=status.HTTP_204_NO_CONTENT)
