"""A small file that stands for far more than it holds is refused, or taken in small pieces."""

import json
import shutil
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from tests.tools.data.rows import ASSISTANT, GOOD, USER, load_version, save_file, save_lines
from tools.data import convert_chains, convert_row, count_import, read_source
from tools.data.import_dataset import import_dataset
from tools.data.inspect_source import inspect_source
from tools.data.read_source import open_source, read_opening
from tools.data.row_problem import RowProblem
from tools.errors import DatasetError

REMEDY = "Keep only the columns with the prompts and answers."


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json"])
def test_of_long_rows_few_are_held_at_the_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(read_source, "_OPENING_BYTES", 5_000_000)
    row = json.dumps({"text": "x" * 1_500_000})
    text = f"{row}\n" * 20 if name == "rows.jsonl" else f"[{','.join([row] * 20)}]"
    source = open_source(save_file(tmp_path, name, text))

    opening = read_opening(source)

    assert 0 < len(opening.rows) < 10
    assert import_dataset(tmp_path / name, tmp_path / "datasets").rows_imported == 20


def test_rows_with_columns_without_end_are_left_out(tmp_path: Path) -> None:
    many = {**GOOD, **dict.fromkeys(map(str, range(1000)), 1)}
    long = {**GOOD, "k" * 201: 1}
    just = {**GOOD, "k" * 200: 1, **dict.fromkeys(map(str, range(998)), 1)}

    report = import_dataset(save_lines(tmp_path, GOOD, many, just, long, GOOD), tmp_path)

    assert [one.row for one in load_version(tmp_path, report.dataset)] == [1, 3, 5]
    assert report.problems == (
        RowProblem(
            row=2,
            field="",
            problem="it has 1,001 columns, 1,000 at most are read",
            remedy=REMEDY,
            kind="too_long",
        ),
        RowProblem(
            row=4,
            field="",
            problem="the name of a column has more than 200 characters",
            remedy=REMEDY,
            kind="too_long",
        ),
    )
    assert len(report.columns) == 1000


def test_what_is_shown_of_a_row_stays_small(tmp_path: Path) -> None:
    extra = {f"c{one}": ["x" * 400] * 2000 for one in range(3)}
    prompts = [{"prompt": "Hi", "k": {"k" * 5000: 1}, **extra}] * 5
    tools = [{"name": "f", "description": ["x" * 400] * 2000}]
    calls = [{"function": {"name": "f", "arguments": {"a": ["x" * 400] * 2000}}}]
    turns = [USER, {**ASSISTANT, "tool_calls": calls}, *[USER, ASSISTANT] * 500]
    chats = [{"messages": turns, "tools": tools}] * 5

    for name, rows in (("prompts.jsonl", prompts), ("chats.jsonl", chats)):
        shown = inspect_source(save_lines(tmp_path, *rows, name=name))

        assert len(shown.conversations) == 5
        assert len(shown.model_dump_json()) < 1_000_000


def test_a_row_with_messages_without_end_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convert_row, "MAXIMUM_PARTS", 6)
    rows = [{"messages": [USER, ASSISTANT] * times} for times in (1, 3, 4)]

    report = import_dataset(save_lines(tmp_path, *rows), tmp_path)

    assert report.rows_imported == 2
    assert [(one.row, one.problem) for one in report.problems] == [
        (3, "it has more than 6 messages or parts")
    ]


@pytest.mark.parametrize(
    "columns",
    [
        {"prompt": "a", "completion": "b"},
        {"prompt": "a", "completion": "b", "label": "perhaps"},
        {"prompt": "a", "reward": "c" * 900},
    ],
)
def test_the_same_row_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: dict[str, str]
) -> None:
    monkeypatch.setattr(count_import, "_HARMLESS_CHARACTERS", 500_000)
    first = {**columns, "label": "true"} if "label" in columns else columns
    rows = [first] * 60 + [columns] * 50_000
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")

    with pytest.raises(DatasetError, match="more than 250 times as much text as its size"):
        import_dataset(tmp_path / "rows.parquet", tmp_path / "datasets")

    assert list((tmp_path / "datasets").iterdir()) == []


CHAIN = '{"id":"%s","parent_id":"","instruction":"Hi","output":"Yes."}\n'


def test_chains_of_too_many_rows_are_refused_while_they_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save_file(tmp_path, "rows.jsonl", "".join(CHAIN % one for one in range(2000)))
    folder = tmp_path / "datasets"

    with monkeypatch.context() as few:
        few.setattr(convert_chains, "MAXIMUM_ROWS", 1000)
        with pytest.raises(DatasetError, match="more than 1,000 rows are not read"):
            import_dataset(path, folder)
    with monkeypatch.context() as full:
        full.setattr(convert_chains, "MAXIMUM_ROWS", 1500)  # it ends before that
        full.setattr(count_import, "RESERVED_BYTES", shutil.disk_usage(tmp_path).total)
        with pytest.raises(DatasetError, match="does not fit on the disk"):
            import_dataset(path, folder)

    assert list(folder.iterdir()) == []
    assert import_dataset(path, folder).rows_imported == 2000


def test_long_ids_of_chains_are_told_apart(tmp_path: Path) -> None:
    first, second = ("i" * 100_000 + end for end in "ab")
    rows = [
        {"id": own, "parent_id": parent, "instruction": "Hi", "output": "Yes."}
        for own, parent in ((first, ""), (second, first))
    ]

    report = import_dataset(save_lines(tmp_path, *rows), tmp_path)

    assert [len(one.messages) for one in load_version(tmp_path, report.dataset)] == [4]
