"""Rows come out as they are in the file, whatever its type; what is no such file is refused."""

import json
import os
from pathlib import Path

import pytest

from tests.tools.data.rows import save_file
from tools.data.read_rows import read_rows
from tools.errors import DatasetError

ROWS = [{"prompt": "Hi", "completion": "Hello"}, {"prompt": "Bye", "completion": "So long"}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)
TABLE = "prompt,completion\nHi,Hello\nBye,So long\n"


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
    path = save_file(tmp_path, name, content)

    assert list(read_rows(path)) == list(enumerate(ROWS, start=1))


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\u0085", "\x0b"])
def test_a_line_separator_in_a_text_is_text(tmp_path: Path, separator: str) -> None:
    row = {"text": f"one{separator}two"}
    raw = json.dumps(row, ensure_ascii=False) + "\n"

    assert list(read_rows(save_file(tmp_path, "a.csv", f"text\none{separator}two\n"))) == [(1, row)]
    if separator != "\x0b":  # a control character must be escaped in JSON
        assert list(read_rows(save_file(tmp_path, "a.jsonl", raw))) == [(1, row)]


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as refusal:
        list(read_rows(tmp_path / "absent.jsonl"))

    assert str(refusal.value) == "There is no file 'absent.jsonl'."


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.pkl", "rows.parquet.gz", "rows"])
def test_an_unknown_type_is_answered_with_the_types_that_are_read(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(DatasetError, match=r"Use one of: \.jsonl, \.ndjson, \.json, \.csv"):
        list(read_rows(save_file(tmp_path, name, LINES)))


def test_a_pipe_is_no_file_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "rows.jsonl")

    with pytest.raises(DatasetError, match=r"'rows\.jsonl' is not a regular file"):
        list(read_rows(tmp_path / "rows.jsonl"))


@pytest.mark.parametrize("path", ["/dev/zero", "/dev"])
def test_a_device_and_a_folder_are_no_files(path: str) -> None:
    with pytest.raises(DatasetError, match=r" is not a regular file\. Give a data file"):
        list(read_rows(Path(path)))
