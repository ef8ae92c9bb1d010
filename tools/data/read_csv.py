"""Read rows from tables of text: CSV and TSV. Every value is text.

Commas, semicolons, tabs and bars are told apart by the header. A record that does not fit the
header is a problem of its own. Where a quote is never closed, what it swallows ends at the limit
of a field, and reading goes on in the next line.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from tools.counted import counted
from tools.data.layout import NumberedRow
from tools.data.read_bytes import Reading
from tools.data.row_problem import RowProblem, UnreadableKind
from tools.data.text_lines import text_lines
from tools.errors import DatasetError

_MAXIMUM_COLUMNS = 1000
_DELIMITERS = ",;\t|"
_NAME_CHARACTERS = 64
_FALLBACK = "Windows-1252"

Record = tuple[int, list[str] | RowProblem]


def read_csv(path: Path, reading: Reading) -> Iterator[NumberedRow]:
    """Yield the records of a CSV or TSV file whose first record names the columns."""
    records = _records(path, _Lines(path, reading))
    header = _header(path, records, reading)
    for number, (_, record) in enumerate(records, start=1):
        if isinstance(record, RowProblem):
            yield number, record.model_copy(update={"row": number})
        elif len(record) != len(header):
            count = f"it has {counted(len(record), 'field')}, the header has {len(header)}"
            remedy = "Put fields that hold the separator or a line break in quotes."
            yield number, _problem(number, count, remedy, "wrong_field_count")
        elif record == header:
            remedy = "Remove the row."
            yield number, _problem(number, "it repeats the header", remedy, "repeated_header")
        else:
            yield number, dict(zip(header, record, strict=True))


class _Lines:
    """The lines of a table for the parser, and whether one of them was unsound."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self._lines = text_lines(path, reading, fallback=_FALLBACK)
        self._first: list[str] = []
        self.number = 0
        self.fault: RowProblem | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._first:
            return self._first.pop()
        self.number, line = next(self._lines)
        if isinstance(line, RowProblem):
            self.fault = line
            return "\n"
        if "\0" in line:
            remedy = "Save the file as plain text."
            self.fault = _problem(0, "it holds a NUL character", remedy, "control_character")
        return line

    def first(self) -> str:
        """Return the first line, which the parser gets as well."""
        self._first = [next(self, "")]
        return self._first[0]


def _records(path: Path, lines: _Lines) -> Iterator[Record]:
    """Yield the records, each with its last line."""
    parser = csv.reader(lines, delimiter=_delimiter(path, lines.first()), strict=True)
    while True:
        before = lines.number
        try:
            record = next(parser)
        except StopIteration:
            return
        except csv.Error as error:
            yield lines.number, _malformed(before + 1, lines.number, str(error))
            continue
        fault, lines.fault = lines.fault, None
        if fault is not None:
            yield lines.number, fault
        elif record:
            yield lines.number, record


def _delimiter(path: Path, header: str) -> str:
    if Path(path.name.lower().removesuffix(".gz").removesuffix(".zst")).suffix == ".tsv":
        return "\t"
    # Spreadsheets in countries with a decimal comma separate fields with semicolons.
    unquoted = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=unquoted.count)


def _header(path: Path, records: Iterator[Record], reading: Reading) -> list[str]:
    """Return the names of the columns, which may stand below a title."""
    for line, record in records:
        if isinstance(record, RowProblem):
            raise DatasetError(
                f"{path.name!r}: the header cannot be read: {record.problem}. {record.remedy}"
            )
        names = [name.strip() for name in record]
        if len(names) > _MAXIMUM_COLUMNS:
            raise DatasetError(
                f"{path.name!r} has {len(names)} columns, {_MAXIMUM_COLUMNS} at most are read. "
                "Keep only the columns with the prompts and answers."
            )
        if _is_title(names):
            reading.note(f"{path.name}: line {line} is a title above the header and was left out.")
            continue
        return _checked(path, names)
    return []


def _is_title(names: list[str]) -> bool:
    """Tell whether fewer than half of the fields have a name of their own."""
    return len(names) > 1 and 2 * len(set(names) - {""}) < len(names)


def _checked(path: Path, names: list[str]) -> list[str]:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DatasetError(
            f"{path.name!r}: the header names {repeated[0][:_NAME_CHARACTERS]!r} more than once. "
            "Rename one."
        )
    return names


def _malformed(first: int, last: int, reason: str) -> RowProblem:
    lines = f"line {first}" if first >= last else f"lines {first} to {last}"
    if "field limit" in reason:
        problem = f"{lines}: a field has more than 131,072 characters"
        remedy = "Shorten it or close its quote, or use .jsonl."
        return _problem(0, problem, remedy, "too_long")
    problem = f"{lines}: it is not valid CSV ({reason})"
    return _problem(0, problem, "Check that every quote is closed and doubled.", "malformed")


def _problem(number: int, problem: str, remedy: str, kind: UnreadableKind) -> RowProblem:
    return RowProblem(row=number, field="", problem=problem, remedy=remedy, kind=kind)
