"""Import a dataset: a file, a folder of files, or a dataset of the Hugging Face Hub.

The format is recognised, every row becomes a conversation, and rows that cannot be one are left
out and listed. The content is not judged here; `validate_dataset` does that.
"""

import hashlib
import json
import os.path
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, write_version
from tools.data.conversation_text import all_turns, placeholders_in
from tools.data.convert_row import convert_row
from tools.data.read_rows import SUFFIXES, read_rows
from tools.data.recognise_format import (
    SAMPLE_ROWS,
    Format,
    Layout,
    describe_unrecognised,
    recognise_format,
)
from tools.data.row_problem import RowProblem
from tools.errors import DatasetError, spoken
from tools.hub.fetch_dataset import HubDataset, fetch_dataset
from tools.progress import NoProgress, Progress
from tools.workspace import slug

NumberedRow = tuple[int, dict[str, object]]

MAXIMUM_CHARACTERS = 256 * 1024 * 1024
_LISTED_PROBLEMS = 100


class ImportReport(BaseModel):
    """What `import_dataset` read, and what it left out."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the new dataset version.")
    source: str = Field(description="Name of the file or folder, or id on the Hub.")
    source_key: str = Field(
        description="Tells the source from others; the same when its rows have changed."
    )
    revision: str | None = Field(description="Commit on the Hub the rows came from.")
    format: Format
    columns: tuple[str, ...] = Field(description="Columns of the first rows.")
    rows_read: int = Field(description="Rows of the source, those left out included.")
    rows_imported: int = Field(description="Rows of the new dataset version.")
    problem_count: int = Field(description="Rows left out: rows_read less rows_imported.")
    problems: tuple[RowProblem, ...] = Field(description="The first 100 of them.")
    placeholders: tuple[str, ...] = Field(
        description="Placeholders like {{name}} that were never filled in."
    )
    placeholder_rows: int = Field(description="Rows that hold a placeholder.")


def import_dataset(
    source: Path | HubDataset,
    target_dir: Path,
    *,
    token: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Write the rows of `source` as a new dataset version to `target_dir`.

    Args:
        source: A data file, a folder of data files of one type, or a dataset on the Hub.
        target_dir: The folder of the dataset versions.
        token: Access token for the Hub.
        progress: Told what happens, and asked whether to stop.

    Raises:
        DatasetError: The source cannot be read, its format is not recognised, it is too large,
            or not one of its rows can be used.
    """
    progress = progress or NoProgress()
    progress.check()
    name, revision, rows = _open(source, token)
    first = list(islice(rows, SAMPLE_ROWS))
    layout = recognise_format([row for _, row in first])
    if layout is None:
        raise DatasetError(describe_unrecognised(name, [row for _, row in first]))
    progress.log(f"{name} is in the format {layout.format}.")
    conversations, problems = _convert(name, chain(first, rows), layout, progress)
    if not conversations:
        raise DatasetError(_nothing_left(name, layout, problems))
    version = write_version(target_dir, slug(name.removesuffix(Path(name).suffix)), conversations)
    placeholders = [placeholders_in(one) for one in conversations]
    progress.log(f"Imported {len(conversations)} of {len(conversations) + len(problems)} rows.")
    return ImportReport(
        dataset=version.stem,
        source=name,
        source_key=source_key(source),
        revision=revision,
        format=layout.format,
        columns=tuple(dict.fromkeys(column for _, row in first for column in row)),
        rows_read=len(conversations) + len(problems),
        rows_imported=len(conversations),
        problem_count=len(problems),
        problems=tuple(problems[:_LISTED_PROBLEMS]),
        placeholders=tuple(sorted(set().union(*placeholders))),
        placeholder_rows=sum(bool(found) for found in placeholders),
    )


def source_key(source: Path | HubDataset) -> str:
    """Return what tells `source` from others: a hash of where it lies, not of its rows."""
    if isinstance(source, HubDataset):
        place = ["Hub", source.id, source.config, source.split]
    else:
        place = ["file", os.path.realpath(source)]
    return hashlib.sha256(json.dumps(place).encode()).hexdigest()[:8]


def _open(
    source: Path | HubDataset, token: str | None
) -> tuple[str, str | None, Iterator[NumberedRow]]:
    if isinstance(source, HubDataset):
        fetched = fetch_dataset(source, token=token)
        return source.id, fetched.revision, enumerate(fetched.rows, start=1)
    if not source.name:  # of '' and '.' alike
        raise DatasetError(
            "No dataset was named. Give a file such as chats.jsonl, a folder, or the owner/name of "
            "a dataset on the Hub."
        )
    # Not source.is_dir(): it raises for a name that is too long or may not be looked at.
    files = _data_files(source) if os.path.isdir(source) else [source]
    return source.name, None, _numbered_through(files)


def _data_files(folder: Path) -> list[Path]:
    """Return the data files of a folder; where some are called train, only those."""
    try:
        files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    except OSError as error:
        raise DatasetError(
            f"The folder {folder.name!r} cannot be read: {spoken(error)}."
        ) from error
    files = [path for path in files if "train" in path.stem.lower()] or files
    if not files:
        raise DatasetError(
            f"The folder {folder.name!r} holds no data file. Files of these types are read: "
            f"{', '.join(SUFFIXES)}."
        )
    if len({path.suffix.lower() for path in files}) > 1:
        names = ", ".join(path.name for path in files[:8])
        raise DatasetError(
            f"The folder {folder.name!r} holds files of several types: {names}. Name one file."
        )
    return files


def _numbered_through(files: list[Path]) -> Iterator[NumberedRow]:
    before = 0
    for path in files:
        number = 0
        for number, row in read_rows(path):
            yield before + number, row
        before += number


def _convert(
    name: str, rows: Iterator[NumberedRow], layout: Layout, progress: Progress
) -> tuple[list[Conversation], list[RowProblem]]:
    conversations: list[Conversation] = []
    problems: list[RowProblem] = []
    characters = 0
    for count, (number, row) in enumerate(rows):
        if count % 1000 == 0:
            progress.check()
        converted = convert_row(number, row, layout)
        if isinstance(converted, RowProblem):
            problems.append(converted)
            continue
        characters += sum(len(message.content) for message in all_turns(converted))
        if characters > MAXIMUM_CHARACTERS:
            raise DatasetError(
                f"{name!r} holds more than {MAXIMUM_CHARACTERS >> 20} million characters of text. "
                "Import a part of it."
            )
        conversations.append(converted)
    return conversations, problems


def _nothing_left(name: str, layout: Layout, problems: list[RowProblem]) -> str:
    first = problems[0]
    return (
        f"{name!r} looks like the format {layout.format}, but none of its {len(problems)} rows can "
        f"be used. Row {first.row}, `{first.field}`: {first.problem}. {first.remedy}"
    )
