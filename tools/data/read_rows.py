"""Read the rows of a data file as they are, whatever its type.

The suffix decides the type. What the columns mean is `recognise_format`'s business.
"""

import stat
from collections.abc import Iterator
from pathlib import Path

from tools.data.read_csv import read_csv
from tools.data.read_json import read_json, read_json_lines
from tools.data.read_parquet import read_parquet
from tools.errors import DatasetError, spoken

_READERS = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
}

SUFFIXES = tuple(_READERS)


def read_rows(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Yield the rows of `path` with their numbers, beginning at 1.

    The number is the line in JSON Lines and the record elsewhere; a CSV header does not count.

    Raises:
        DatasetError: The file is missing, not regular, of an unknown type, malformed or empty.
    """
    _refuse_what_is_no_file(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise DatasetError(
            f"{path.name!r} is of a type that is not read. Use one of: {', '.join(SUFFIXES)}."
        )
    empty = True
    for numbered in reader(path):
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
