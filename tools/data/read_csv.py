"""Read rows from tables of text: CSV and TSV. Every value is text."""

import csv
from collections.abc import Iterator
from pathlib import Path

from tools.data.text_lines import text_lines
from tools.errors import DatasetError

Row = dict[str, object]

_MAXIMUM_COLUMNS = 1000


def read_csv(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield the records of a CSV or TSV file whose first record names the columns."""
    lines = _lines_without_nul(path)
    first = next(lines, "")
    records = csv.reader(_with_first(first, lines), delimiter=_delimiter(path, first), strict=True)
    number = 0
    try:
        header = _checked_header(path, next(records, []))
        for record in records:
            if not record:
                continue
            number += 1
            if len(record) != len(header):
                raise DatasetError(
                    f"{path.name!r}: row {number} has {len(record)} fields, the header has "
                    f"{len(header)}. Put fields that hold the separator or a line break in quotes."
                )
            yield number, dict(zip(header, record, strict=True))
    except csv.Error as error:
        raise DatasetError(_csv_problem(path, number, records.line_num, str(error))) from error


def _lines_without_nul(path: Path) -> Iterator[str]:
    for number, line in text_lines(path):
        if "\0" in line:
            raise DatasetError(
                f"{path.name!r}: line {number} holds a NUL character. Save the file as plain text."
            )
        yield line


def _with_first(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _delimiter(path: Path, header: str) -> str:
    if path.suffix.lower() == ".tsv":
        return "\t"
    # Spreadsheets in countries with a decimal comma separate fields with semicolons.
    return ";" if ";" in header and "," not in header else ","


def _checked_header(path: Path, header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    if len(names) > _MAXIMUM_COLUMNS:
        raise DatasetError(
            f"{path.name!r} has {len(names)} columns, {_MAXIMUM_COLUMNS} at most are read. "
            "Keep only the columns with the prompts and answers."
        )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise DatasetError(
            f"{path.name!r}: the header names {repeated[0][:40]!r} more than once. Rename one."
        )
    return names


def _csv_problem(path: Path, number: int, line: int, reason: str) -> str:
    place = f"{path.name!r}: the row that ends in line {line} (row {number + 1})"
    if "field limit" in reason:
        return f"{place} has a field of more than 131,072 characters. Shorten it, or use .jsonl."
    return f"{place} is not valid CSV: {reason}. Check that every quote is closed and doubled."
