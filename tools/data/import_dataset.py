"""Import a dataset: a file, a folder of files, or a dataset of the Hugging Face Hub.

The format is recognised, or the user says it; every row becomes a conversation, and rows that
cannot be one are left out and counted. A row is held at a time, so that any number of them takes
the same memory; only of chained tables, the ids are held. The content is not judged here;
`validate_dataset` does that.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.counted import counted
from tools.data.convert_rows import convert_rows
from tools.data.count_import import ImportCount
from tools.data.layout import Format, Layout
from tools.data.mapping import Mapping
from tools.data.read_rows import data_suffix
from tools.data.read_source import (
    all_rows,
    digest_of,
    find_layout,
    open_source,
    read_opening,
    size_of,
    source_key,
)
from tools.data.row_problem import RowProblem
from tools.data.version_record import VersionRecord, keep_record
from tools.files import write_named_by_hash
from tools.hub.fetch_dataset import HubDataset
from tools.progress import NoProgress, Progress
from tools.workspace import slug

_SOURCE = {
    *("source", "revision", "config", "split", "licence", "bytes", "sha256", "format", "layout"),
    "confidence",
}

__all__ = ["ImportReport", "import_dataset", "source_key"]


class ImportReport(BaseModel):
    """What `import_dataset` read, and what it left out."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the new dataset version.")
    source: str = Field(description="Name of the file or folder, or id on the Hub.")
    source_key: str = Field(
        description="Tells the source from others; the same when its rows have changed."
    )
    revision: str | None = Field(description="Commit on the Hub the rows came from.")
    config: str | None = Field(description="Configuration on the Hub.")
    split: str | None = Field(description="Split on the Hub.")
    licence: str | None = Field(default=None, description="As its page on the Hub says.")
    bytes: int | None = Field(description="Size of the source file or files.")
    sha256: str | None = Field(
        description="Of the source file; of several, of the list that sha256sum prints of them."
    )
    format: Format
    layout: Layout = Field(description="The columns that were taken, for which parts.")
    confidence: float = Field(description="How sure the format is, from 0 to 1.")
    columns: tuple[str, ...] = Field(description="Columns of the first rows.")
    rows_read: int = Field(
        description="Rows of the source, those left out included; of chains, conversations."
    )
    rows_imported: int = Field(description="Rows of the new dataset version.")
    problem_count: int = Field(description="Rows left out: rows_read less rows_imported.")
    problem_kinds: dict[str, int] = Field(description="How many of each kind.")
    problems: tuple[RowProblem, ...] = Field(description="The first 100 of them.")
    placeholders: tuple[str, ...] = Field(
        description="Placeholders like {{name}} that were never filled in, 100 at most."
    )
    placeholder_rows: int = Field(description="Rows that hold a placeholder.")
    notes: tuple[str, ...] = Field(description="What had to be assumed to read the source.")


def import_dataset(
    source: Path | HubDataset,
    target_dir: Path,
    *,
    layout: Mapping | None = None,
    token: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Write the rows of `source` as a new dataset version to `target_dir`.

    Args:
        source: A data file, a folder of data files of one type, or a dataset on the Hub.
        target_dir: The folder of the dataset versions.
        layout: Which column plays which part; recognised if it is not given.
        token: Access token for the Hub.
        progress: Told what happens, and asked whether to stop.

    Raises:
        DatasetError: The source cannot be read, its format is not recognised, it is too large,
            or not one of its rows can be used.
    """
    progress = progress or NoProgress()
    progress.check()
    opened = open_source(source, token=token)
    opening = read_opening(opened)
    found = find_layout(opened.name, opening.rows, layout)
    progress.log(f"{opened.name} is in the format {found.format}.")
    size = size_of(opened.files)
    count = ImportCount(opened, size, target_dir, progress)
    made = convert_rows(count.seen(all_rows(opened, opening)), found, target_dir)
    suffix = data_suffix(opened.name) or Path(opened.name).suffix
    label = slug(opened.name[: -len(suffix) or None])
    lines = count.written(count.kept(made, found.format))
    version = write_named_by_hash(target_dir, label, ".jsonl", lines)
    progress.log(f"Imported {count.imported:,} of {counted(count.read, 'row')}.")
    report = ImportReport(
        dataset=version.stem,
        source=opened.name,
        source_key=source_key(source),
        revision=opened.revision,
        config=opened.config,
        split=opened.split,
        licence=opened.licence,
        bytes=size,
        sha256=digest_of(opened.files),
        format=found.format,
        layout=found,
        confidence=found.confidence,
        columns=opening.columns,
        rows_read=count.read,
        rows_imported=count.imported,
        problem_count=count.read - count.imported,
        problem_kinds=dict(count.kinds),
        problems=tuple(count.problems),
        placeholders=tuple(sorted(count.placeholders)),
        placeholder_rows=count.placeholder_rows,
        notes=opened.reading.notes,
    )
    _record(target_dir, report)
    return report


def _record(folder: Path, report: ImportReport) -> None:
    step = report.model_dump(mode="json", include=_SOURCE)
    counts = report.model_dump(mode="json", include={"rows_read", "problem_kinds"})
    keep_record(
        folder,
        VersionRecord(
            version=report.dataset,
            made_from=None,
            step={"kind": "import", **step},
            report={**counts, "rows_kept": report.rows_imported},
        ),
    )
