"""Tables of text are read as they are, or refused with the row at fault."""

from pathlib import Path

import pytest

from tests.tools.data.rows import save_file
from tools.data.read_rows import read_rows
from tools.errors import DatasetError


def test_a_field_of_csv_may_hold_line_breaks_quotes_and_formulas(tmp_path: Path) -> None:
    path = save_file(tmp_path, "a.csv", 'a,b\n"one\ntwo","say ""hi"""\n=1+1,"x,y"\n')

    assert list(read_rows(path)) == [
        (1, {"a": "one\ntwo", "b": 'say "hi"'}),
        (2, {"a": "=1+1", "b": "x,y"}),
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("a,b\n1,2\n1,2,3\n", "row 2 has 3 fields, the header has 2"),
        ("a,b\n1\n", "row 1 has 1 fields"),
        ("a,a\n1,2\n", "the header names 'a' more than once"),
        ("a,b\n1,2\nx\0y,2\n", "line 3 holds a NUL character"),
        ('a,b\n1,2\n"open,2\n', "(row 2) is not valid CSV: unexpected end of data"),
        ('a,b\n"x"y,2\n', "(row 1) is not valid CSV"),
        (f"a,b\n1,2\n{'x' * 1_000_000},2\n", "(row 2) has a field of more than 131,072 characters"),
        (",".join(map(str, range(10_000))) + "\n", "has 10000 columns, 1000 at most"),
        (b"a,b\n1,2\ncaf\xe9,2\n", "line 3 is not UTF-8 text"),
        ("a,b\n", "has no rows"),
        ("", "has no rows"),
    ],
)
def test_a_bad_table_is_refused_with_its_row(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    with pytest.raises(DatasetError, match=r"'rows\.csv'") as refusal:
        list(read_rows(save_file(tmp_path, "rows.csv", content)))

    assert reason in str(refusal.value)
