"""A look at a source says what it is and what it would become, and writes nothing."""

import gzip
import json
from pathlib import Path

import pytest

from tests.tools.data.rows import ASSISTANT, GOOD, USER, chat, save_file, save_lines
from tools.data.inspect_source import Column, Inspection, RawRow, inspect_source
from tools.data.layout import Layout
from tools.data.mapping import Mapping
from tools.errors import DatasetError


def test_the_first_rows_are_shown_before_and_after(tmp_path: Path) -> None:
    path = save_lines(tmp_path, {"question": "Hi", "answer": "Yes."}, {"question": "Hi", "n": 1})

    seen = inspect_source(path)

    assert seen == Inspection(
        source="rows.jsonl",
        revision=None,
        bytes=path.stat().st_size,
        layout=Layout(format="alpaca", prompt="question", answer="answer", confidence=0.5),
        refusal=None,
        columns=(
            Column(name="question", shape="text", filled=1.0),
            Column(name="answer", shape="text", filled=0.5),
            Column(name="n", shape="number", filled=0.5),
        ),
        rows=(
            RawRow(row=1, values={"question": "Hi", "answer": "Yes."}),
            RawRow(row=2, values={"question": "Hi", "n": "1"}),
        ),
        conversations=(chat("Hi"),),
        problems=seen.problems,
        notes=(),
    )
    assert [(one.row, one.kind) for one in seen.problems] == [(2, "missing")]
    assert [file.name for file in tmp_path.iterdir()] == ["rows.jsonl"]


def test_long_values_are_cut_and_many_rows_are_not_shown(tmp_path: Path) -> None:
    row = {"messages": [USER, {**ASSISTANT, "content": "x" * 100_000}]}

    seen = inspect_source(save_lines(tmp_path, *[row] * 60))

    assert (len(seen.rows), len(seen.conversations)) == (20, 20)
    assert len(seen.rows[0].values["messages"]) == len(seen.conversations[0].answer) == 504
    assert len(seen.model_dump_json()) < 40_000


def test_what_is_not_recognised_is_told_and_a_mapping_helps(tmp_path: Path) -> None:
    path = save_lines(tmp_path, {"Frage": "Hi", "Antwort": "Yes."}, [1])
    mapping = Mapping(format="alpaca", columns={"prompt": "Frage", "answer": "Antwort"})
    wrong = Mapping(format="alpaca", columns={"prompt": "Frage", "answer": "Antwrt"})

    unknown, mapped, mistyped = (inspect_source(path, layout=one) for one in (None, mapping, wrong))

    assert unknown.layout is None
    assert unknown.refusal is not None
    assert unknown.refusal.startswith("The format of 'rows.jsonl' is not recognised.")
    assert mapped.conversations == (chat("Hi"),)
    assert mistyped.refusal == (
        "'rows.jsonl' has no column 'Antwrt' for the part 'answer'. Its first rows have: Frage, "
        "Antwort."
    )
    assert [one.problems[0].kind for one in (unknown, mapped, mistyped)] == ["not_an_object"] * 3


def test_a_packed_file_is_looked_at_without_unpacking_all_of_it(tmp_path: Path) -> None:
    lines = (json.dumps(GOOD) + "\n").encode() * 20_000
    damaged = gzip.compress(lines)[:-9]
    path = save_file(tmp_path, "rows.jsonl.gz", damaged)

    assert len(inspect_source(path).rows) == 20


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"There is no file 'rows\.jsonl'"):
        inspect_source(tmp_path / "rows.jsonl")
