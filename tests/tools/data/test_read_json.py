"""JSON and JSON Lines are read as they are, or refused with the place at fault."""

import json
import time
from pathlib import Path

import pytest

from tests.tools.data.rows import save_file
from tools.data.read_rows import read_rows
from tools.data.row_problem import RowProblem
from tools.errors import DatasetError


def test_the_number_of_a_jsonl_row_is_its_line(tmp_path: Path) -> None:
    path = save_file(tmp_path, "rows.jsonl", '{"a": 1}\n\n  \n{"a": 2}\n')

    assert list(read_rows(path)) == [(1, {"a": 1}), (4, {"a": 2})]


def test_a_whole_pair_of_surrogates_is_one_character(tmp_path: Path) -> None:
    path = save_file(tmp_path, "a.jsonl", '{"text": "\\ud83d\\ude00"}')

    assert list(read_rows(path)) == [(1, {"text": "\U0001f600"})]


def test_a_list_takes_time_by_its_rows_and_not_by_the_square_of_them(tmp_path: Path) -> None:
    rows = [{"prompt": "Hi", "completion": f"Hello {row}"} for row in range(20_000)]
    path = save_file(tmp_path, "rows.json", json.dumps(rows))
    began = time.process_time()

    assert [row for _, row in read_rows(path)] == rows

    assert time.process_time() - began < 5


GOOD = '{"a": 1}\n'


@pytest.mark.parametrize(
    ("line", "kind", "problem"),
    [
        ("{oops}", "malformed", "it is not valid JSON: Expecting property name"),
        ('{"a": 1} x', "malformed", "it is not valid JSON: Extra data (column 10)"),
        ('{"a": 1', "malformed", "it is not valid JSON: Expecting ',' delimiter (column 8)"),
        ("[1, 2]", "not_an_object", "it is a list, not an object"),
        ('"text"', "not_an_object", "it is text, not an object"),
        ("3", "not_an_object", "it is a number, not an object"),
        ("true", "not_an_object", "it is true or false, not an object"),
        ("null", "not_an_object", "it is null, not an object"),
        ('{"a": NaN}', "not_finite", "NaN is not a number"),
        ('{"a": -Infinity}', "not_finite", "-Infinity is not a number"),
        ('{"a": 1e999}', "not_finite", "a number is too large"),
        (f'{{"a": {"9" * 5000}}}', "malformed", "it is not valid JSON: a number has too many"),
        ("[" * 100_000, "too_deep", "it is nested too deeply"),
        ('{"a":' * 100_000, "too_deep", "it is nested too deeply"),
        ('{"text": "\\ud800"}', "bad_unicode", "it is not valid Unicode"),
        ('{"\\uDFFF": 1}', "bad_unicode", "it is not valid Unicode"),
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "repeated_key", "it names a key twice"),
        (b'{"a": "\xe9"}', "bad_unicode", "the line is not UTF-8 text"),
        ('{"a": "' + "x" * 40_000_000 + '"}', "too_long", "the line is longer than 16 MiB"),
    ],
    ids=range(19),
)
def test_a_bad_line_is_told_and_the_rest_is_read(
    tmp_path: Path, line: str | bytes, kind: str, problem: str
) -> None:
    bad = line.encode() if isinstance(line, str) else line
    path = save_file(tmp_path, "rows.jsonl", GOOD.encode() + bad + b"\n" + GOOD.encode())

    first, (number, told), last = read_rows(path)

    assert (first, last) == ((1, {"a": 1}), (3, {"a": 1}))
    assert isinstance(told, RowProblem)
    assert (number, told.row, told.kind) == (2, 2, kind)
    assert told.problem.startswith(problem)
    assert told.remedy


@pytest.mark.parametrize("content", ["", "\ufeff", "\n \n"])
def test_a_file_without_a_line_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(DatasetError, match=r"^'rows\.jsonl' has no rows\.$"):
        list(read_rows(save_file(tmp_path, "rows.jsonl", content)))


def test_utf_16_is_read_where_a_mark_says_so(tmp_path: Path) -> None:
    assert list(read_rows(save_file(tmp_path, "rows.jsonl", GOOD.encode("utf-16")))) == [
        (1, {"a": 1})
    ]


def test_a_line_of_utf_16_that_is_too_long_is_one_problem(tmp_path: Path) -> None:
    content = GOOD + '"' + "x" * 20_000_000 + '"\n' + GOOD

    rows = list(read_rows(save_file(tmp_path, "rows.jsonl", content.encode("utf-16"))))

    assert [number for number, _ in rows] == [1, 2, 3]
    assert [row.kind for _, row in rows if isinstance(row, RowProblem)] == ["too_long"]


def test_a_list_in_a_jsonl_file_is_told_what_it_should_be_named(tmp_path: Path) -> None:
    [(_, told)] = read_rows(save_file(tmp_path, "rows.jsonl", json.dumps([{"a": 1}])))

    assert isinstance(told, RowProblem)
    assert told.remedy.endswith("name it .json.")


def test_a_json_file_may_be_one_long_line(tmp_path: Path) -> None:
    rows = [{"text": "x" * 1_000_000} for _ in range(17)]

    assert len(list(read_rows(save_file(tmp_path, "rows.json", json.dumps(rows))))) == 17


@pytest.mark.parametrize("indent", [None, 2])
def test_the_rows_of_a_list_stand_in_its_order_wherever_it_is_cut(
    tmp_path: Path, indent: int | None
) -> None:
    rows = [{"n": n, "text": "\u00e9" * (n % 4000)} for n in range(2000)]
    path = save_file(tmp_path, "rows.json", json.dumps(rows, indent=indent, ensure_ascii=False))

    assert list(read_rows(path)) == list(enumerate(rows, start=1))


def test_a_number_that_is_cut_between_two_pieces_of_the_file_is_one_number(tmp_path: Path) -> None:
    blanks = " " * (1024 * 1024 - len('{"version":12'))
    content = f'{{"version":{blanks}1234, "data": [{{"a": 1}}]}}'

    assert list(read_rows(save_file(tmp_path, "rows.json", content))) == [(1, {"a": 1})]


@pytest.mark.parametrize(
    "content",
    [
        '{"data": [{"a": 1}]}',
        '{"version": [1, 2], "data": [{"a": 1}], "columns": ["a"], "empty": []}',
        '{"meta": {"rows": [{"b": 1}]}, "data": [{"a": 1}], "end": 12}',
    ],
)
def test_the_one_list_of_objects_in_an_object_is_read(tmp_path: Path, content: str) -> None:
    assert list(read_rows(save_file(tmp_path, "rows.json", content))) == [(1, {"a": 1})]


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("1", "not_an_object"),
        ("null", "not_an_object"),
        ('{"a": NaN}', "not_finite"),
        ('{"a": 1, "a": 2}', "repeated_key"),
        ('{"a": "\\udc00"}', "bad_unicode"),
    ],
)
def test_a_bad_row_in_a_list_is_told_and_the_rest_is_read(
    tmp_path: Path, row: str, kind: str
) -> None:
    path = save_file(tmp_path, "rows.json", f'[{{"a": 1}}, {row}, {{"a": 1}}]')

    first, (number, told), last = read_rows(path)

    assert (first, last) == ((1, {"a": 1}), (3, {"a": 1}))
    assert isinstance(told, RowProblem)
    assert (number, told.row, told.kind) == (2, 2, kind)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('"text"', "is text, not a list of objects"),
        ('{"a": [], "b": []}', "is an object with no list of rows; one is needed"),
        ('{"a": [{"c": 1}], "b": [{"c": 1}]}', "is an object with several lists of rows"),
        ('{"a": 1}', "is an object with no list of rows"),
        ('{"a" 1}', "a key or a colon is missing"),
        ('{"a": 1 "b": 2}', "a comma or the end of the object is missing"),
        ('[{"a": 1}', "at or after row 1: a comma or the end of the list is missing"),
        ('[{"a": 1}, {"a": ', "at or after row 2: Expecting value"),
        ('[\n{"a": 1},\n{"b" 2}]', "at or after row 2: Expecting ':' delimiter"),
        ('[{"a": 1}] and more', "at or after row 1: something stands after its end"),
        (f'[{{"a": {"9" * 5000}}}]', "a number has too many digits"),
        ("[" * 100_000, "it is nested too deeply"),
        ('[{"a": "' + "x" * 40_000_000, "Unterminated string"),
        ("[]", "has no rows"),
        ("", "has no rows"),
        (b'[\n{"a": 1},\n{"a": "\xe9"}]', "line 3 is not UTF-8 text"),
    ],
    ids=range(16),
)
def test_a_bad_json_file_is_refused(tmp_path: Path, content: str | bytes, reason: str) -> None:
    with pytest.raises(DatasetError, match=r"'rows\.json'") as refusal:
        list(read_rows(save_file(tmp_path, "rows.json", content)))

    assert reason in str(refusal.value)
    assert len(str(refusal.value)) < 300
    assert str(tmp_path) not in str(refusal.value)
