"""Tables of text are read as they are, or refused with the row at fault."""

from pathlib import Path

import pytest

from tests.tools.data.rows import save_file
from tools.data.layout import NumberedRow
from tools.data.read_bytes import Reading
from tools.data.read_rows import read_rows
from tools.data.row_problem import RowProblem
from tools.errors import DatasetError


def test_a_field_of_csv_may_hold_line_breaks_quotes_and_formulas(tmp_path: Path) -> None:
    path = save_file(tmp_path, "a.csv", 'a,b\n"one\ntwo","say ""hi"""\n=1+1,"x,y"\n')

    assert list(read_rows(path)) == [
        (1, {"a": "one\ntwo", "b": 'say "hi"'}),
        (2, {"a": "=1+1", "b": "x,y"}),
    ]


def rows_of(folder: Path, content: str | bytes, name: str = "rows.csv") -> list[NumberedRow]:
    return list(read_rows(save_file(folder, name, content)))


def told(rows: list[NumberedRow]) -> list[object]:
    """Return the rows, and of the problems their kinds."""
    return [row.kind if isinstance(row, RowProblem) else row for _, row in rows]


ROW = {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a,b\n1,2\n1,2,3\n1\n1,2\n", [ROW, "wrong_field_count", "wrong_field_count", ROW]),
        ("a,b\n1,2\na,b\n1,2\n", [ROW, "repeated_header", ROW]),
        ("a,b\n1,2\nx\0y,2\n1,2\n", [ROW, "control_character", ROW]),
        ('a,b\n1,2\n"x"y,2\n1,2\n', [ROW, "malformed", ROW]),
        ('a,b\n1,2\n"open,2\n1,2\n', [ROW, "malformed"]),
        (f"a,b\n1,2\n{'x' * 1_000_000},2\n1,2\n", [ROW, "too_long", ROW]),
        ('a,b\n1,2\n"' + "x\n" * 100_000 + ",2\n", [ROW, "too_long"]),
        ("a\tb\n1\t2\n", [ROW]),
        ("a|b\n1|2\n", [ROW]),
        ('"a";"b"\n1;2\n', [ROW]),
        ('"a","b;c;d"\n1,2\n', [{"a": "1", "b;c;d": "2"}]),
        ("Export of chats,,\na,b,c\n1,2,3\n", [{"a": "1", "b": "2", "c": "3"}]),
        ("a,b\r\n1,2\r\n", [ROW]),
        ("a,b\n1,2\n".encode("utf-16"), [ROW]),
        ("a\tb\n1\t2\n".encode("utf-16"), [ROW]),
        ("a,b\n1,caf\u00e9 \u20ac\n".encode("cp1252"), [{"a": "1", "b": "caf\u00e9 \u20ac"}]),
        ("a,b\n1,caf\u00e9\n".encode("latin-1"), [{"a": "1", "b": "caf\u00e9"}]),
        (b"a,b\n1,2\n1,\x81\n1,2\n", [ROW, "bad_unicode", ROW]),
    ],
)
def test_what_does_not_fit_the_header_is_told_and_the_rest_is_read(
    tmp_path: Path, content: str | bytes, rows: list[object]
) -> None:
    assert told(rows_of(tmp_path, content))[: len(rows)] == rows


def test_what_a_quote_that_is_never_closed_has_swallowed_is_named_by_its_lines(
    tmp_path: Path,
) -> None:
    [_, (number, problem)] = rows_of(tmp_path, 'a,b\n1,2\n"open,2\n1,2\n1,2\n')

    assert isinstance(problem, RowProblem)
    assert number == problem.row == 2
    assert problem.problem == "lines 3 to 5: it is not valid CSV (unexpected end of data)"


def test_what_had_to_be_assumed_of_a_table_is_noted(tmp_path: Path) -> None:
    reading = Reading()
    content = "Chats,,\na,b,c\n1,2,caf\u00e9\n1,2,caf\u00e9\n".encode("latin-1")

    list(read_rows(save_file(tmp_path, "rows.csv", content), reading))

    assert reading.notes == (
        "rows.csv: line 1 is a title above the header and was left out.",
        "rows.csv: not UTF-8 throughout, read as Windows-1252 where not.",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a,a\n1,2\n", "the header names 'a' more than once"),
        (",".join(map(str, range(10_000))) + "\n", "has 10000 columns, 1000 at most"),
        ("x" * 17_000_000 + ",b\n1,2\n", "the header cannot be read: the line is longer than"),
        (b"\xff\xfea\x00,\x00b\x00\n\x00\x00\xd8", "is not UTF-16 text throughout"),
        ("a,b\n", "has no rows"),
        ("", "has no rows"),
    ],
)
def test_a_bad_table_is_refused(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(DatasetError, match=r"'rows\.csv'") as refusal:
        rows_of(tmp_path, content)

    assert reason in str(refusal.value)
