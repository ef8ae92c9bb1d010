"""Datasets: add one from the Hub or an upload, look at it, check it, forget it."""

from datetime import datetime
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response, status
from pydantic import BaseModel, ConfigDict, Field

from backend.datasets import change_dataset, find_dataset, forget_dataset, list_datasets
from backend.deps import CurrentUser, EngineDep, Writer
from backend.desk import DeskDep
from backend.errors import not_found, refused_field
from backend.jobs.public import JobPublic
from backend.jobs.requests import ImportRequest
from backend.owned import OwnedDataset, WorkspaceDep
from backend.problems import problems
from backend.strict_json import StrictRoute
from backend.tables.dataset import Dataset
from tools.data.audit_dataset import AuditReport
from tools.data.conversation import read_characters, read_conversations
from tools.data.data_policy import DataPolicy
from tools.data.dataset_card import dataset_card
from tools.data.finding import Finding, Severity
from tools.data.show_changes import Change, changes
from tools.data.version_record import VersionRecord, history

router = APIRouter(prefix="/datasets", tags=["data"], route_class=StrictRoute)

_SAMPLED_ROWS = 1000
# What is looked at and answered within a request, however long the rows are.
_SAMPLED_CHARACTERS = 1_000_000
_PAGE_CHARACTERS = 8_000_000
_OF_ONE_ROW = 10  # a row of several questions becomes as many conversations
_AUDITED = problems(401, 403, 404, 409, 422)


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
    policy: DataPolicy = Field(description="What is to be done with what is found in it.")


class FindingPage(BaseModel):
    """Some of the findings about rows."""

    model_config = ConfigDict(frozen=True)

    findings: list[Finding]
    total: int = Field(description="Findings that fit, of the first 1,000 that are kept.")
    counts: dict[str, int] = Field(description="Findings of each code, all of them.")


class CardPublic(BaseModel):
    """The card of a dataset."""

    model_config = ConfigDict(frozen=True)

    markdown: str


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
def add_dataset(request: ImportRequest, desk: DeskDep) -> JobPublic:
    """Start the import of a dataset of the Hub, of a file that was uploaded, or of the sample."""
    desk.need_upload(request.upload)
    return desk.start("import", request)


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
    row: Annotated[int | None, Query(ge=1, le=2**53, description="Only this one.")] = None,
) -> RowPage:
    """In the one shape that every format becomes; fewer than `limit` where they are very long."""
    version = workspace.dataset(dataset.version)
    if row is None:
        rows = read_characters(version, _PAGE_CHARACTERS, skip=offset)
    else:
        rows = (one for one in read_conversations(version, skip=offset) if one.row == row)
        limit = min(limit, _OF_ONE_ROW)
    return RowPage(
        rows=[one.model_dump(mode="json", exclude_defaults=True) for one in islice(rows, limit)],
        total=dataset.rows,
    )


@router.get("/{name}/audit", summary="Show all that was found", responses=_AUDITED)
def show_audit(dataset: OwnedDataset) -> AuditReport:
    """Faults, repeats, private values, attacks, languages and lengths; no text of a row."""
    return _audit(dataset)


@router.get("/{name}/findings", summary="Show what is wrong, row by row", responses=_AUDITED)
def list_findings(
    dataset: OwnedDataset,
    code: Annotated[str | None, Query(max_length=64)] = None,
    severity: Annotated[Severity | None, Query()] = None,
    row: Annotated[int | None, Query(ge=1, le=2**53)] = None,
    offset: Annotated[int, Query(ge=0, le=10_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> FindingPage:
    """In the order of the rows; those that fit every filter that is given."""
    audit = _audit(dataset)
    fitting = [
        one
        for one in audit.findings
        if code in (None, one.code) and severity in (None, one.severity) and row in (None, one.row)
    ]
    page = fitting[offset : offset + limit]
    return FindingPage(findings=page, total=len(fitting), counts=audit.counts)


@router.get(
    "/{name}/versions", summary="Show how it was made", responses=problems(401, 403, 404, 422)
)
def list_versions(dataset: OwnedDataset, workspace: WorkspaceDep) -> list[VersionRecord]:
    """Every step from the import to the present version, with its settings and counts."""
    return list(history(workspace.datasets, dataset.version))


@router.get("/{name}/card", summary="Show its card", responses=_AUDITED)
def show_card(dataset: OwnedDataset, workspace: WorkspaceDep) -> CardPublic:
    """Source, licence, revision, counts, lengths, findings, versions and hashes, in Markdown."""
    steps = history(workspace.datasets, dataset.version)
    return CardPublic(markdown=dataset_card(_audit(dataset), steps))


@router.put(
    "/{name}/policy",
    summary="Say what to do with findings",
    responses=problems(401, 403, 404, 413, 415, 422),
)
def set_policy(
    policy: DataPolicy, dataset: OwnedDataset, user: Writer, engine: EngineDep
) -> DatasetPublic:
    """It holds for every training from now on; rows are changed by a repair alone."""
    for place, benchmark in enumerate(policy.benchmarks):
        if find_dataset(engine, user.id, benchmark) is None:
            detail = f"You have no dataset {benchmark!r}. Add it first."
            raise refused_field(f"/benchmarks/{place}", "not_found", detail, status=404)
    values = {"policy": policy.model_dump(mode="json")}
    if not change_dataset(engine, user.id, dataset.name, values):
        raise not_found()  # deleted in the meantime
    return _show(dataset.model_copy(update=values))


@router.post(
    "/{name}/changes",
    summary="See what a policy would change",
    responses=problems(401, 403, 404, 413, 415, 422),
)
def show_changes(
    policy: DataPolicy, dataset: OwnedDataset, workspace: WorkspaceDep
) -> list[Change]:
    """The first rows that its cleaning and privacy would change, before and after.

    Looked for in the first million characters, in rows of at most 100,000.
    """
    version = workspace.dataset(dataset.version)
    rows = read_characters(version, _SAMPLED_CHARACTERS, a_row=_SAMPLED_CHARACTERS // 10)
    return list(changes(islice(rows, _SAMPLED_ROWS), policy))


def _audit(dataset: Dataset) -> AuditReport:
    if dataset.audit is None:
        detail = "It was imported before audits were kept. Start a repair of it with no steps."
        raise refused_field("/name", "not_audited", detail, status=409)
    return AuditReport.model_validate(dataset.audit)


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
