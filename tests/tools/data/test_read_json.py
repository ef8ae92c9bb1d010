"""JSON and JSON Lines are read as they are, or refused with the place at fault."""

import json
import re
from pathlib import Path

import pytest

from tests.tools.data.rows import save_file
from tools.data.read_rows import read_rows
from tools.errors import DatasetError


def test_the_number_of_a_jsonl_row_is_its_line(tmp_path: Path) -> None:
    path = save_file(tmp_path, "rows.jsonl", '{"a": 1}\n\n  \n{"a": 2}\n')

    assert list(read_rows(path)) == [(1, {"a": 1}), (4, {"a": 2})]


def test_a_whole_pair_of_surrogates_is_one_character(tmp_path: Path) -> None:
    path = save_file(tmp_path, "a.jsonl", '{"text": "\\ud83d\\ude00"}')

    assert list(read_rows(path)) == [(1, {"text": "\U0001f600"})]


GOOD = '{"a": 1}\n'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (GOOD * 2 + "{oops}\n", "line 3 is not valid JSON: Expecting property name"),
        (GOOD + '{"a": 1} x\n', "line 2 is not valid JSON: Extra data (column 10)."),
        (GOOD + '{"a": 1\n', "line 2 is not valid JSON: Expecting ',' delimiter (column 8)."),
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
    path = save_file(tmp_path, "rows.jsonl", content)

    with pytest.raises(DatasetError) as refusal:
        list(read_rows(path))

    assert str(refusal.value).startswith("'rows.jsonl'")
    assert reason in str(refusal.value)
    assert len(re.findall(r"\bline \d", str(refusal.value))) == ("has no rows" not in reason)
    assert str(tmp_path) not in str(refusal.value)
    assert len(str(refusal.value)) < 300


def test_a_list_in_a_jsonl_file_is_told_what_it_should_be_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"name it \.json"):
        list(read_rows(save_file(tmp_path, "rows.jsonl", json.dumps([{"a": 1}]))))


def test_a_json_file_may_be_one_long_line(tmp_path: Path) -> None:
    rows = [{"text": "x" * 1_000_000} for _ in range(17)]

    assert len(list(read_rows(save_file(tmp_path, "rows.json", json.dumps(rows))))) == 17


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
        ('[{"a": 1}', "'rows.json' is not valid JSON: Expecting ',' delimiter (column 10)."),
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
        list(read_rows(save_file(tmp_path, "rows.json", content)))

    assert reason in str(refusal.value)
