"""A dataset is imported with nothing to configure, and what was left out is told."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tools.data.conversation import Conversation, read_conversations
from tools.data.import_dataset import ImportReport, import_dataset
from tools.errors import DatasetError
from tools.progress import Cancelled, NoProgress

FIXTURES = Path(__file__).parents[4] / "shared" / "fixtures"

GOOD = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}


def save(folder: Path, *rows: Any, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def imported(tmp_path: Path, *rows: Any) -> tuple[ImportReport, list[Conversation]]:
    report = import_dataset(save(tmp_path, *rows), tmp_path / "datasets")
    return report, list(read_conversations(tmp_path / "datasets" / f"{report.dataset}.jsonl"))


def test_rows_keep_their_numbers_when_others_are_left_out(tmp_path: Path) -> None:
    report, conversations = imported(tmp_path, GOOD, {"messages": []}, GOOD)

    assert [one.row for one in conversations] == [1, 3]
    assert (report.rows_read, report.rows_imported, report.problem_count) == (3, 2, 1)
    assert [problem.row for problem in report.problems] == [2]


def test_only_the_first_hundred_problems_are_listed_but_all_are_counted(tmp_path: Path) -> None:
    report, _ = imported(tmp_path, GOOD, *[{"messages": []}] * 150)

    assert (len(report.problems), report.problem_count, report.rows_read) == (100, 150, 151)


def test_a_dataset_whose_every_row_is_bad_is_refused_with_the_first_reason(tmp_path: Path) -> None:
    row = {"messages": [{"role": "critic", "content": "Hm"}]}

    with pytest.raises(DatasetError, match="none of its 2 rows can be used") as refusal:
        import_dataset(save(tmp_path, row, row), tmp_path)

    assert "Row 1, `messages`: message 1 has the unknown role 'critic'." in str(refusal.value)


def test_the_report_says_what_was_made_of_what(tmp_path: Path) -> None:
    rows = [{"prompt": "Hi", "completion": "I am {{name}} of {{ my_team}}."}, {"prompt": "Bye"}]

    report, _ = imported(tmp_path, *rows)

    assert report.dataset.startswith("rows-")
    assert report.model_dump(exclude={"dataset", "problems"}) == {
        "source": "rows.jsonl",
        "revision": None,
        "format": "prompt-completion",
        "columns": ("prompt", "completion"),
        "rows_read": 2,
        "rows_imported": 1,
        "problem_count": 1,
        "placeholders": ("{{ my_team}}", "{{name}}"),
        "placeholder_rows": 1,
    }


@pytest.mark.parametrize("code", ["{{ . }}", "{{...}}", "{{ a: 'b' }}", "{name}", "{{}}"])
def test_code_in_braces_is_no_placeholder(tmp_path: Path, code: str) -> None:
    report, _ = imported(tmp_path, {"text": f"Write {code} here."})

    assert report.placeholders == ()


@pytest.mark.parametrize("label", ["Support Chats", "../../support/chats", "support_chats"])
def test_the_label_becomes_a_name_and_never_a_path(tmp_path: Path, label: str) -> None:
    folder = tmp_path / "datasets"

    report = import_dataset(save(tmp_path, GOOD), folder, label=label)

    assert report.dataset.startswith("support-chats-")
    assert [path.stem for path in folder.iterdir()] == [report.dataset]


def test_the_same_rows_make_the_same_version(tmp_path: Path) -> None:
    first, _ = imported(tmp_path, GOOD)
    second, _ = imported(tmp_path, GOOD)

    assert first == second


@pytest.mark.parametrize("suffix", [".json", ".csv", ".tsv", ".parquet"])
def test_every_type_of_file_makes_the_same_conversations(tmp_path: Path, suffix: str) -> None:
    rows = [{"prompt": "Hi", "completion": "Hello"}]
    path = tmp_path / f"rows{suffix}"
    if suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    elif suffix == ".json":
        path.write_text(json.dumps(rows), encoding="utf-8")
    else:
        separator = "\t" if suffix == ".tsv" else ","
        path.write_text(f"prompt{separator}completion\nHi{separator}Hello\n", encoding="utf-8")

    assert import_dataset(path, tmp_path).dataset == imported(tmp_path, *rows)[0].dataset


def test_the_files_of_a_folder_are_numbered_through(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    save(folder, GOOD, GOOD, name="a.jsonl")
    save(folder, GOOD, name="b.jsonl")
    (folder / "README.md").write_text("Chats.", encoding="utf-8")

    report = import_dataset(folder, tmp_path)

    rows = read_conversations(tmp_path / f"{report.dataset}.jsonl")
    assert [one.row for one in rows] == [1, 2, 3]
    assert (report.source, report.dataset[:6]) == ("chats", "chats-")


def test_of_a_folder_with_a_train_file_only_that_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    save(folder, GOOD, name="train.jsonl")
    save(folder, GOOD, GOOD, name="test.jsonl")

    assert import_dataset(folder, tmp_path).rows_read == 1


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([], "holds no data file"),
        (["notes.txt"], "holds no data file"),
        (["a.jsonl", "b.csv"], "holds files of several types: a.jsonl, b.csv. Name one file."),
    ],
)
def test_a_folder_without_one_type_of_data_is_refused(
    tmp_path: Path, names: list[str], reason: str
) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    for name in names:
        save(folder, GOOD, name=name)

    with pytest.raises(DatasetError, match="The folder 'chats'") as refusal:
        import_dataset(folder, tmp_path)

    assert reason in str(refusal.value)


def test_a_small_file_that_is_large_in_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    column = pyarrow.DictionaryArray.from_arrays(
        pyarrow.array([0] * 40, pyarrow.int32()), ["x" * 10_000_000]
    )
    pyarrow.parquet.write_table(pyarrow.table({"text": column}), path)

    with pytest.raises(DatasetError, match="holds more than 256 million characters"):
        import_dataset(path, tmp_path)


def test_rows_as_large_as_pictures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    column = pyarrow.array(["x" * 1_500_000]).take(pyarrow.array([0] * 60))
    pyarrow.parquet.write_table(pyarrow.table({"text": column}), path)

    with pytest.raises(DatasetError, match="holds rows that are too large to be text"):
        import_dataset(path, tmp_path)


class _Listener(NoProgress):
    """Keeps what is said, and asks to stop when told so."""

    def __init__(self, *, stop: bool) -> None:
        self.said: list[str] = []
        self._stop = stop

    def log(self, message: str) -> None:
        self.said.append(message)

    def check(self) -> None:
        if self._stop:
            raise Cancelled


def test_the_import_says_what_it_found(tmp_path: Path) -> None:
    listener = _Listener(stop=False)

    import_dataset(save(tmp_path, GOOD), tmp_path, progress=listener)

    assert listener.said == [
        "rows.jsonl is in the format messages.",
        "Imported 1 of 1 rows.",
    ]


def test_an_import_that_is_stopped_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        import_dataset(save(tmp_path, GOOD), tmp_path / "datasets", progress=_Listener(stop=True))

    assert not (tmp_path / "datasets").exists()


@pytest.mark.parametrize(
    ("name", "format", "rows", "placeholders"),
    [
        ("alpaca_en_demo.json", "alpaca", 999, ()),
        ("identity.json", "alpaca", 91, ("{{author}}", "{{name}}")),
        ("dpo_en_demo.json", "preference", 300, ()),
    ],
)
def test_datasets_of_other_tools_are_imported_as_they_are(
    tmp_path: Path, name: str, format: str, rows: int, placeholders: tuple[str, ...]
) -> None:
    if not FIXTURES.is_dir():
        pytest.skip("the datasets of other tools are not in ../shared/fixtures")

    report = import_dataset(FIXTURES / name, tmp_path)

    assert (report.format, report.rows_imported, report.problems) == (format, rows, ())
    assert report.placeholders == placeholders
