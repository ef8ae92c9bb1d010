"""Rows come out as they are in the file, or the file is refused with the place at fault."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tools.data.read_rows import read_rows
from tools.errors import DatasetError

ROWS = [{"prompt": "Hi", "completion": "Hello"}, {"prompt": "Bye", "completion": "So long"}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
TABLE = "prompt,completion\nHi,Hello\nBye,So long\n"


def save(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def save_parquet(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", LINES),
        ("rows.ndjson", LINES),
        ("ROWS.JSONL", LINES),
        ("rows.jsonl", LINES.rstrip("\n")),
        ("rows.jsonl", LINES.replace("\n", "\r\n")),
        ("rows.jsonl", "\ufeff" + LINES),
        ("rows.json", json.dumps(ROWS)),
        ("rows.json", "\ufeff" + json.dumps(ROWS, indent=2)),
        ("rows.json", json.dumps({"version": 1, "data": ROWS})),
        ("rows.json", LINES),
        ("rows.csv", TABLE),
        ("rows.csv", "\ufeff" + TABLE.replace("\n", "\r\n")),
        ("rows.csv", TABLE + "\n"),
        ("rows.csv", TABLE.replace(",", ";")),
        ("rows.tsv", TABLE.replace(",", "\t")),
    ],
)
def test_every_type_of_file_gives_the_same_rows(tmp_path: Path, name: str, content: str) -> None:
    path = save(tmp_path, name, content)

    assert list(read_rows(path)) == list(enumerate(ROWS, start=1))


def test_parquet_gives_the_same_rows(tmp_path: Path) -> None:
    path = save_parquet(tmp_path, ROWS)

    assert list(read_rows(path)) == list(enumerate(ROWS, start=1))


def test_nested_columns_of_parquet_are_lists_and_objects(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "Hi"}]}

    assert list(read_rows(save_parquet(tmp_path, [row]))) == [(1, row)]


def test_rows_of_parquet_are_numbered_through_all_batches(tmp_path: Path) -> None:
    path = save_parquet(tmp_path, [{"text": str(number)} for number in range(1, 601)])

    assert [(number, row["text"]) for number, row in read_rows(path)] == [
        (number, str(number)) for number in range(1, 601)
    ]


def test_the_number_of_a_jsonl_row_is_its_line(tmp_path: Path) -> None:
    path = save(tmp_path, "rows.jsonl", '{"a": 1}\n\n  \n{"a": 2}\n')

    assert list(read_rows(path)) == [(1, {"a": 1}), (4, {"a": 2})]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x0b"])
def test_a_line_separator_in_a_text_is_text(tmp_path: Path, separator: str) -> None:
    row = {"text": f"one{separator}two"}
    raw = json.dumps(row, ensure_ascii=False) + "\n"

    assert list(read_rows(save(tmp_path, "a.csv", f"text\none{separator}two\n"))) == [(1, row)]
    if separator != "\x0b":  # a control character must be escaped in JSON
        assert list(read_rows(save(tmp_path, "a.jsonl", raw))) == [(1, row)]


def test_a_field_of_csv_may_hold_line_breaks_quotes_and_formulas(tmp_path: Path) -> None:
    path = save(tmp_path, "a.csv", 'a,b\n"one\ntwo","say ""hi"""\n=1+1,"x,y"\n')

    assert list(read_rows(path)) == [
        (1, {"a": "one\ntwo", "b": 'say "hi"'}),
        (2, {"a": "=1+1", "b": "x,y"}),
    ]


def test_a_whole_pair_of_surrogates_is_one_character(tmp_path: Path) -> None:
    path = save(tmp_path, "a.jsonl", '{"text": "\\ud83d\\ude00"}')

    assert list(read_rows(path)) == [(1, {"text": "\U0001f600"})]


GOOD = '{"a": 1}\n'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (GOOD * 2 + "{oops}\n", "line 3 is not valid JSON: Expecting property name"),
        (GOOD + '{"a": 1} x\n', "line 2 is not valid JSON: Extra data"),
        (GOOD + "[1, 2]\n", "line 2 is a list, not an object"),
        (GOOD + '"text"\n', "line 2 is text, not an object"),
        (GOOD + "3\n", "line 2 is a number, not an object"),
        (GOOD + "true\n", "line 2 is true or false, not an object"),
        (GOOD + "null\n", "line 2 is null, not an object"),
        (GOOD + '{"a": NaN}\n', "line 2 is not valid JSON: NaN is not a number"),
        (GOOD + '{"a": -Infinity}\n', "line 2 is not valid JSON: -Infinity is not a number"),
        (GOOD + '{"a": 1e999}\n', "line 2 is not valid JSON: the number 1e999 is too large"),
        (GOOD + f'{{"a": {"9" * 5000}}}\n', "line 2 is not valid JSON: a number has too many"),
        (GOOD * 2 + "[" * 100_000 + "\n", "line 3 is nested too deeply"),
        (GOOD * 2 + '{"a":' * 100_000 + "\n", "line 3 is nested too deeply"),
        (GOOD + '{"text": "\\ud800"}\n', "line 2 is not valid Unicode"),
        (GOOD + '{"\\uDFFF": 1}\n', "line 2 is not valid Unicode"),
        (GOOD.encode() + b'{"a": "\xe9"}\n', "line 2 is not UTF-8 text. Save the file as UTF-8"),
        (GOOD.encode("utf-16"), "line 1 is not UTF-8 text"),
        (GOOD + '{"a": "' + "x" * 17_000_000 + '"}\n', "line 2 is longer than 16 MiB"),
        ("", "has no rows"),
        ("\ufeff", "has no rows"),
        ("\n \n", "has no rows"),
    ],
)
def test_a_bad_line_is_named_with_its_number(
    tmp_path: Path, content: str | bytes, reason: str
) -> None:
    path = save(tmp_path, "rows.jsonl", content)

    with pytest.raises(DatasetError) as refusal:
        list(read_rows(path))

    assert str(refusal.value).startswith("'rows.jsonl'")
    assert reason in str(refusal.value)
    assert str(tmp_path) not in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_a_list_in_a_jsonl_file_is_told_what_it_should_be_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"name it \.json"):
        list(read_rows(save(tmp_path, "rows.jsonl", json.dumps(ROWS))))


def test_a_json_file_may_be_one_long_line(tmp_path: Path) -> None:
    rows = [{"text": "x" * 1_000_000} for _ in range(17)]

    assert len(list(read_rows(save(tmp_path, "rows.json", json.dumps(rows))))) == 17


def test_a_json_file_too_large_for_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    with path.open("wb") as file:
        file.truncate(257 * 1024 * 1024)

    with pytest.raises(DatasetError, match=r"is larger than 256 MiB. Save it as \.jsonl"):
        list(read_rows(path))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[1]", "row 1 is a number, not an object"),
        ('[{"a": 1}, null]', "row 2 is null, not an object"),
        ('"text"', "is text, not a list of objects"),
        ('{"a": [], "b": []}', "is an object with 2 lists; one list of rows is needed"),
        ('{"a": 1}', "is an object with 0 lists"),
        ('[{"a": 1}', "is not valid JSON"),
        ('[\n{"a": 1},\n{"b" 2}]', "(line 3, column 6)"),
        ('[{"a": NaN}]', "NaN is not a number"),
        ("[" * 100_000, "is nested too deeply"),
        ("[]", "has no rows"),
        ('{"data": []}', "has no rows"),
        ("", "has no rows"),
        (b"\xff\xfe[\x00]\x00", "line 1 is not UTF-8 text"),
        (b'[\n{"a": 1},\n{"a": "\xe9"}]', "line 3 is not UTF-8 text"),
    ],
)
def test_a_bad_json_file_is_refused(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(DatasetError, match=r"'rows\.json'") as refusal:
        list(read_rows(save(tmp_path, "rows.json", content)))

    assert reason in str(refusal.value)


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
        list(read_rows(save(tmp_path, "rows.csv", content)))

    assert reason in str(refusal.value)


def _cut(content: bytes) -> bytes:
    return content[:-20]


def _garbled(content: bytes) -> bytes:
    return b"PAR1" + b"\xff" * 64 + b"PAR1"


def _spoilt(content: bytes) -> bytes:
    return content[:4] + b"\xff" * 40 + content[44:]


def _emptied(content: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("damage", [_cut, _garbled, _spoilt, _emptied])
def test_damaged_parquet_is_refused(tmp_path: Path, damage: Any) -> None:
    path = save_parquet(tmp_path, ROWS)
    path.write_bytes(damage(path.read_bytes()))

    with pytest.raises(DatasetError, match=r"'rows\.parquet' cannot be read as Parquet"):
        list(read_rows(path))


def test_text_in_parquet_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    column = pyarrow.array([b"\xff\xfe"]).view(pyarrow.string())
    pyarrow.parquet.write_table(pyarrow.table({"text": column}), path)

    with pytest.raises(DatasetError, match="cannot be read as Parquet after row 0"):
        list(read_rows(path))


@pytest.mark.parametrize("registered", [True, False])
def test_extension_types_of_parquet_are_refused(tmp_path: Path, registered: bool) -> None:
    path = tmp_path / "rows.parquet"
    if registered:
        table = pyarrow.table({"id": pyarrow.array([b"0" * 16], pyarrow.uuid())})
    else:
        field = pyarrow.field("id", pyarrow.string(), metadata={"ARROW:extension:name": "evil"})
        table = pyarrow.table([["a"]], schema=pyarrow.schema([field]))
    pyarrow.parquet.write_table(table, path)

    with pytest.raises(DatasetError, match="column 'id' has an extension type"):
        list(read_rows(path))


def test_parquet_without_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), path)

    with pytest.raises(DatasetError, match="has no rows"):
        list(read_rows(path))


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as refusal:
        list(read_rows(tmp_path / "absent.jsonl"))

    assert str(refusal.value) == "There is no file 'absent.jsonl'."


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.pkl", "rows.jsonl.gz", "rows"])
def test_an_unknown_type_is_answered_with_the_types_that_are_read(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(DatasetError, match=r"Use one of: \.jsonl, \.ndjson, \.json, \.csv"):
        list(read_rows(save(tmp_path, name, LINES)))
