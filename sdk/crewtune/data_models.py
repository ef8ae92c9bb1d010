"""Datasets as the studio tells of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from crewtune.frozen import Frozen


class Upload(Frozen):
    """A file that the studio received."""

    upload: str = Field(description="Give this to `add_dataset`.")
    bytes: int
    filename: str


class Dataset(Frozen):
    """A dataset of yours."""

    id: UUID
    name: str
    version: str
    source: str
    format: str
    rows: int
    created_at: datetime
    report: dict[str, Any] = Field(description="What the import read and left out.")
    policy: dict[str, Any] = Field(
        default_factory=dict, description="What is to be done with what is found in it."
    )


class Row(Frozen):
    """One row: what is said, and for a preference the two ways in which it could go on."""

    row: int = Field(description="Number of the row in the file it came from.")
    messages: tuple[dict[str, Any], ...] = ()
    chosen: tuple[dict[str, Any], ...] = ()
    rejected: tuple[dict[str, Any], ...] = ()
    segments: tuple[dict[str, Any], ...] = ()
    steps: tuple[dict[str, Any], ...] = ()


class RowPage(Frozen):
    """Some rows of a dataset."""

    rows: tuple[Row, ...]
    total: int


class Finding(Frozen):
    """One thing that is wrong with one row."""

    row: int
    field: str
    severity: str = Field(description="error or warning.")
    code: str
    message: str
    remedy: str


class FindingPage(Frozen):
    """Some of the findings about rows."""

    findings: tuple[Finding, ...]
    total: int = Field(description="Findings that fit, of the first 1,000 that are kept.")
    counts: dict[str, int] = Field(default_factory=dict, description="Findings of each code.")


class Remark(Frozen):
    """Something about a dataset as a whole."""

    code: str
    severity: str
    message: str
    remedy: str


class Audit(Frozen):
    """Everything that was found in a dataset."""

    dataset: str = Field(description="Name of the version.")
    rows: int
    rows_usable: int = Field(description="Rows without an error; warnings do not count.")
    profile: dict[str, Any]
    languages: dict[str, float] = Field(default_factory=dict)
    repeats: int
    repeated: tuple[tuple[int, int], ...] = ()
    near_duplicates: dict[str, Any]
    privacy: dict[str, Any]
    scan: dict[str, Any]
    contamination: dict[str, Any] | None = None
    remarks: tuple[Remark, ...] = ()
    findings: tuple[Finding, ...] = ()
    counts: dict[str, int] = Field(default_factory=dict, description="Findings of each code.")


class Version(Frozen):
    """One step of how a dataset was made."""

    version: str
    made_from: str | None
    step: dict[str, Any] = Field(description="What was done, with its settings.")
    report: dict[str, Any] = Field(description="What came of it, in numbers.")


class Card(Frozen):
    """The card of a dataset."""

    markdown: str


class Change(Frozen):
    """A row before and after what a policy would do with it."""

    row: int
    before: tuple[str, ...] = Field(description="Its texts.")
    after: tuple[str, ...] | None = Field(description="None where the row would be left out.")
