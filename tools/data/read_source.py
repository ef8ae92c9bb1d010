"""Open the source of a dataset, whatever it is, and read its first rows.

A source is a data file, a folder of data files, or a dataset of the Hugging Face Hub.
"""

import hashlib
import json
import os.path
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from tools.data.layout import Layout, NumberedRow, Row
from tools.data.mapping import Mapping, layout_of
from tools.data.read_bytes import Reading
from tools.data.read_folder import data_files
from tools.data.read_rows import read_rows
from tools.data.recognise_format import SAMPLE_ROWS, describe_unrecognised, recognise_format
from tools.data.row_problem import RowProblem
from tools.data.sound_columns import MAXIMUM_COLUMNS, with_sound_columns
from tools.errors import DatasetError, spoken
from tools.files import sha256_of
from tools.hub.fetch_dataset import HubDataset, fetch_dataset

_LOOKED_AT = 1000  # rows, until some of them can be read
# A row of 16 MiB may take twenty times as much once it is parsed, so few such rows are held.
_OPENING_BYTES = 16 * 1024**2


class Source(NamedTuple):
    """An opened source."""

    name: str
    rows: Iterator[NumberedRow]
    reading: Reading
    files: tuple[Path, ...] = ()
    revision: str | None = None
    config: str | None = None
    split: str | None = None
    licence: str | None = None


class Opening(NamedTuple):
    """The first rows of a source, of which some cannot be read."""

    numbered: list[NumberedRow]

    @property
    def rows(self) -> list[Row]:
        """The rows that can be read."""
        return [row for _, row in self.numbered if not isinstance(row, RowProblem)]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rows have, the first thousand."""
        names = dict.fromkeys(column for row in self.rows for column in row)
        return tuple(islice(names, MAXIMUM_COLUMNS))


def open_source(source: Path | HubDataset, *, token: str | None = None) -> Source:
    """Open `source` for reading.

    Raises:
        DatasetError: There is no such source, or it is no dataset.
    """
    reading = Reading()
    if isinstance(source, HubDataset):
        fetched = fetch_dataset(source, token=token)
        rows: Iterator[NumberedRow] = enumerate(fetched.rows, start=1)
        return Source(
            source.id,
            with_sound_columns(rows),
            reading,
            (),
            fetched.revision,
            fetched.config,
            source.split,
            fetched.licence,
        )
    if not source.name:  # of '' and '.' alike
        raise DatasetError(
            "No dataset was named. Give a file such as chats.jsonl, a folder, or the owner/name of "
            "a dataset on the Hub."
        )
    # Not source.is_dir(): it raises for a name that is too long or may not be looked at.
    files = data_files(source) if os.path.isdir(source) else [source]
    rows = with_sound_columns(_numbered_through(files, reading))
    return Source(source.name, rows, reading, tuple(files))


def source_key(source: Path | HubDataset) -> str:
    """Return what tells `source` from others: a hash of where it lies, not of its rows."""
    if isinstance(source, HubDataset):
        place = ["Hub", source.id, source.config, source.split]
    else:
        place = ["file", os.path.realpath(source)]
    return hashlib.sha256(json.dumps(place).encode()).hexdigest()[:8]


def read_opening(source: Source) -> Opening:
    """Read the first rows of `source`.

    Raises:
        DatasetError: Not one of the first thousand can be read.
    """
    opening = Opening([])
    readable = 0
    for numbered in source.rows:
        opening.numbered.append(numbered)
        readable += not isinstance(numbered[1], RowProblem)
        if readable == SAMPLE_ROWS or len(opening.numbered) == _LOOKED_AT:
            break
        if readable and source.reading.bytes_of_text > _OPENING_BYTES:
            break
    first = next((row for _, row in opening.numbered if isinstance(row, RowProblem)), None)
    if not readable and first is not None:
        raise DatasetError(
            f"{source.name!r} holds no rows: not one of its first {len(opening.numbered)} can be "
            f"read. Row {first.row}: {first.problem}. {first.remedy}"
        )
    return opening


def all_rows(source: Source, opening: Opening) -> Iterator[NumberedRow]:
    """Yield the rows of `source`, of which the first have been read."""
    return chain(opening.numbered, source.rows)


def find_layout(name: str, rows: Sequence[Row], mapping: Mapping | None) -> Layout:
    """Return what the columns mean: what the user says, or what the rows look like.

    Raises:
        DatasetError: The mapping does not fit, or the format is not recognised.
    """
    layout = layout_of(mapping, name, rows) if mapping else recognise_format(rows)
    if layout is None:
        raise DatasetError(describe_unrecognised(name, rows))
    return layout


def size_of(files: Sequence[Path]) -> int | None:
    """Return the bytes of the files, or None where there are none or one is not there."""
    try:
        return sum(path.stat().st_size for path in files) if files else None
    except OSError:
        return None


def digest_of(files: Sequence[Path]) -> str | None:
    """Return the SHA-256 of a file, or of the list of hashes and names that several make."""
    try:
        digests = [sha256_of(path) for path in files]
    except OSError as error:
        raise DatasetError(f"The source cannot be read: {spoken(error)}.") from error
    if len(digests) < 2:
        return digests[0] if digests else None
    lines = (f"{digest}  {path.name}\n" for digest, path in zip(digests, files, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _numbered_through(files: list[Path], reading: Reading) -> Iterator[NumberedRow]:
    before = 0
    for path in files:
        number = 0
        for number, row in read_rows(path, reading):
            if before and isinstance(row, RowProblem):
                row = row.model_copy(update={"row": before + number})
            yield before + number, row
        before += number
