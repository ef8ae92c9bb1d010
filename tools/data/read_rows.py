"""Read the rows of a data file as they are, whatever its type.

The suffix decides the type, and the content must agree. What the columns mean is
`recognise_format`'s business.
"""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from tools.data.layout import NumberedRow
from tools.data.read_arrow import read_arrow
from tools.data.read_bytes import PACKED, Reading
from tools.data.read_csv import read_csv
from tools.data.read_json import read_json, read_json_lines
from tools.data.read_parquet import read_parquet
from tools.errors import DatasetError, spoken

_READERS: dict[str, Callable[[Path, Reading], Iterator[NumberedRow]]] = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".arrow": read_arrow,
}

SUFFIXES = tuple(_READERS)
_TEXTS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
PACKED_SUFFIXES = tuple(f"{suffix}{packed}" for suffix in _TEXTS for packed in PACKED)


def data_suffix(name: str) -> str | None:
    """Return the type of a data file by its name, such as `.jsonl` or `.csv.gz`, or None."""
    lower = name.lower()
    found = (suffix for suffix in (*PACKED_SUFFIXES, *SUFFIXES) if lower.endswith(suffix))
    return next(found, None)


def read_rows(path: Path, reading: Reading | None = None) -> Iterator[NumberedRow]:
    """Yield the rows of `path` with their numbers, beginning at 1.

    The number is the line in JSON Lines and the record elsewhere; a CSV header does not count.
    What cannot be read as a row is given as its problem.

    Args:
        path: The file.
        reading: Told how far it is, and of what had to be assumed.

    Raises:
        DatasetError: The file is missing, not regular, of an unknown type, damaged or empty.
    """
    _refuse_what_is_no_file(path)
    suffix = data_suffix(path.name)
    if suffix is None:
        raise DatasetError(
            f"{path.name!r} is of a type that is not read. Use one of: {', '.join(SUFFIXES)}; "
            f"text may be packed as {' or '.join(PACKED)}."
        )
    reader = _READERS[f".{suffix.split('.')[1]}"]
    empty = True
    for numbered in reader(path, reading or Reading()):
        empty = False
        yield numbered
    if empty:
        raise DatasetError(f"{path.name!r} has no rows.")


def _refuse_what_is_no_file(path: Path) -> None:
    """Refuse what is missing, and what may never end or never answer once it is opened."""
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        raise DatasetError(f"There is no file {path.name!r}.") from error
    except OSError as error:
        raise DatasetError(f"{path.name[:80]!r} cannot be read: {spoken(error)}.") from error
    if not regular:
        raise DatasetError(
            f"{path.name!r} is not a regular file. Give a data file, or a folder of data files."
        )
