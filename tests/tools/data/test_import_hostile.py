"""Whatever stands in a file, it becomes a version or is refused in words; nothing is executed."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.listener import Listener
from tests.tools.data.rows import ASSISTANT, GOOD, USER, load_version, save_file, save_lines
from tools.data import count_import
from tools.data.import_dataset import import_dataset
from tools.data.inspect_source import inspect_source
from tools.errors import DatasetError

LINE = json.dumps(GOOD) + "\n"


def test_one_valid_line_before_garbage_is_no_dataset(tmp_path: Path) -> None:
    path = save_file(tmp_path, "rows.jsonl", LINE + "garbage\n" * 5000)

    with pytest.raises(DatasetError, match="is damaged, or is not what its name says") as refusal:
        import_dataset(path, tmp_path / "datasets")

    assert "Row 2: it is not valid JSON: Expecting value (column 1)." in str(refusal.value)
    assert "garbage" not in str(refusal.value)
    assert list((tmp_path / "datasets").iterdir()) == []


def test_some_garbage_among_the_lines_is_left_out_and_counted(tmp_path: Path) -> None:
    lines = (LINE * 3 + "garbage\n" + '{"messages": NaN}\n') * 400

    report = import_dataset(save_file(tmp_path, "rows.jsonl", lines), tmp_path)

    assert (report.rows_read, report.rows_imported, report.problem_count) == (2000, 1200, 800)
    assert report.problem_kinds == {"malformed": 400, "not_finite": 400}
    assert len(report.problems) == 100


@pytest.mark.parametrize("content", ["garbage\n" * 3, "<html></html>\n", '{\n"a": 1\n}\n'])
def test_what_is_no_dataset_is_refused_with_its_first_reason(tmp_path: Path, content: str) -> None:
    with pytest.raises(DatasetError, match="holds no rows: not one of its first"):
        import_dataset(save_file(tmp_path, "rows.jsonl", content), tmp_path)


def test_a_column_that_is_sometimes_text_and_sometimes_a_list_is_read_where_it_fits(
    tmp_path: Path,
) -> None:
    rows = [
        GOOD,
        {"messages": "Hi"},
        {"messages": [["Hi", "Hello"]]},
        {"messages": [USER, ASSISTANT]},
    ]

    report = import_dataset(save_lines(tmp_path, *rows), tmp_path)

    assert [one.row for one in load_version(tmp_path, report.dataset)] == [1, 4]
    assert [one.row for one in report.problems] == [2, 3]


def test_rows_with_other_keys_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    rows = [{"prompt": "Hi", "completion": "Yes."}, {"text": "Once."}, {}]

    report = import_dataset(save_lines(tmp_path, *rows), tmp_path)

    assert (report.rows_imported, report.problem_kinds) == (1, {"missing": 2})


@pytest.mark.parametrize(
    "row",
    [
        {"messages": "s3cret canary"},
        {"messages": ["s3cret canary"]},
        {"messages": [{"role": "s3cret canary", "content": "Hi"}]},
        {"messages": [{"role": "user", "content": [{"type": "s3cret canary"}]}]},
        {"messages": [USER, {"role": "assistant", "tool_calls": ["s3cret canary"]}]},
        {"messages": [USER, {**ASSISTANT, "weight": "s3cret canary"}]},
        {**GOOD, "tools": "s3cret canary"},
    ],
)
def test_no_problem_repeats_what_stands_in_its_row(tmp_path: Path, row: dict[str, Any]) -> None:
    good = {**GOOD, "tools": "[]"}
    path = save_lines(tmp_path, good, row, good, "s3cret canary", good)

    report = import_dataset(path, tmp_path)

    assert [one.row for one in report.problems] == [2, 4]
    assert "s3cret" not in report.model_dump_json()


def test_line_separators_in_a_text_stay_in_it(tmp_path: Path) -> None:
    content = "one\u2028two\u2029three\u0085four"
    row = {"text": content}
    path = save_file(tmp_path, "rows.jsonl", json.dumps(row, ensure_ascii=False) + "\n")

    report = import_dataset(path, tmp_path)

    assert [one.answer for one in load_version(tmp_path, report.dataset)] == [content]


def test_a_row_with_too_much_text_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(count_import, "MAXIMUM_ROW_CHARACTERS", 100)

    report = import_dataset(
        save_lines(tmp_path, {"text": "x" * 101}, {"text": "x" * 100}), tmp_path
    )

    assert (report.rows_imported, report.problem_kinds) == (1, {"too_long": 1})


def test_an_import_leaves_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_import, "RESERVED_BYTES", shutil.disk_usage(tmp_path).total)
    path = save_lines(tmp_path, *[GOOD] * 1001)

    with pytest.raises(DatasetError, match="does not fit on the disk"):
        import_dataset(path, tmp_path / "datasets")

    assert list((tmp_path / "datasets").iterdir()) == []


def test_an_import_says_how_far_it_is(tmp_path: Path) -> None:
    listener = Listener()

    import_dataset(save_lines(tmp_path, *[GOOD] * 20_000), tmp_path, progress=listener)

    assert len(listener.percents) == 20
    assert listener.percents == sorted(listener.percents)
    assert 95 < listener.percents[-1] <= 100


def test_an_import_is_stopped_within_a_thousand_rows(tmp_path: Path) -> None:
    listener = Listener(stop_after=2)

    with pytest.raises(BaseException, match="Stopped on request"):
        import_dataset(save_lines(tmp_path, *[GOOD] * 5000), tmp_path / "new", progress=listener)

    assert list((tmp_path / "new").iterdir()) == []


class _Evil(NamedTuple):
    """Would leave a mark if it were unpickled."""

    mark: Path

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.mark,)


def _tensor(mark: Path) -> pyarrow.Table:
    import pickle

    metadata = {
        b"ARROW:extension:name": b"ray.data.arrow_tensor",
        b"ARROW:extension:metadata": pickle.dumps(_Evil(mark)),
    }
    field = pyarrow.field("text", pyarrow.string(), metadata=metadata)
    return pyarrow.table([pyarrow.array(["Hi"])], schema=pyarrow.schema([field]))


def test_code_in_a_dataset_is_never_run(tmp_path: Path) -> None:
    import pickle

    mark = tmp_path / "canary"
    pyarrow.parquet.write_table(_tensor(mark), tmp_path / "a.parquet")
    save_file(tmp_path, "b.parquet", pickle.dumps(_Evil(mark)))
    save_file(tmp_path, "c.arrow", pickle.dumps(_Evil(mark)))
    save_file(tmp_path, "d.jsonl", pickle.dumps(_Evil(mark)))
    folder = tmp_path / "script"
    folder.mkdir()
    save_file(folder, "script.py", f"open({str(mark)!r}, 'w')")
    save_lines(folder, GOOD)

    import_dataset(folder, tmp_path)
    for name in ("a.parquet", "b.parquet", "c.arrow", "d.jsonl"):
        with pytest.raises(DatasetError, match=name.replace(".", r"\.")):
            import_dataset(tmp_path / name, tmp_path)

    assert not mark.exists()
    pickle.loads(pickle.dumps(_Evil(mark)))
    assert mark.exists()  # it would have been seen


# Values as they stand in datasets, and values that nobody would think of.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [
        "messages",
        "conversations",
        "prompt",
        "completion",
        "chosen",
        "rejected",
        "label",
        "labels",
        "completions",
        "text",
        "tools",
        "instruction",
        "input",
        "output",
        "history",
        "system",
        "segments",
        "qa_pairs",
        "id",
        "parent_id",
        "doc_id",
    ]
)
MESSAGE_KEYS = st.sampled_from(
    [
        "role",
        "from",
        "content",
        "value",
        "tool_calls",
        "function_call",
        "weight",
        "train",
        "thinking",
        "name",
    ]
)
MESSAGE_VALUES = VALUES | st.sampled_from(["user", "assistant", "gpt", "tool", "function_call"])
MESSAGES = st.lists(st.dictionaries(MESSAGE_KEYS, MESSAGE_VALUES, max_size=4), max_size=3)
ROWS = st.dictionaries(KEYS, VALUES | MESSAGES | MESSAGES.map(json.dumps), max_size=5)
LINES = st.one_of(
    ROWS.map(json.dumps), VALUES.map(json.dumps), st.text(), st.just(LINE.strip())
).map(lambda line: line.encode("utf-8", "surrogatepass"))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(lines=st.lists(LINES | st.binary(max_size=20), max_size=6))
@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv"])
def test_any_lines_make_a_version_or_are_refused(name: str, lines: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = save_file(Path(folder), name, b"\n".join(lines))
        try:
            report = import_dataset(path, Path(folder) / "datasets")
        except DatasetError:
            return

        made = load_version(Path(folder) / "datasets", report.dataset)
        assert len(made) == report.rows_imported == report.rows_read - report.problem_count
        assert sum(report.problem_kinds.values()) == report.problem_count
        inspect_source(path).model_dump_json()
