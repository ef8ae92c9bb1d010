"""A dataset is imported with nothing to configure, and what was left out is told."""

import hashlib
import os
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from pydantic import BaseModel

from tests.listener import Listener
from tests.tools.data.rows import GOOD, imported, load_version, save_lines
from tools.data.deduplicate import DeduplicateReport
from tools.data.import_dataset import ImportReport, import_dataset, source_key
from tools.data.layout import Layout
from tools.data.validate_dataset import RemoveReport
from tools.errors import DatasetError
from tools.hub.fetch_dataset import HubDataset
from tools.progress import Cancelled

FIXTURES = Path(__file__).parents[4] / "shared" / "fixtures"


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
        import_dataset(save_lines(tmp_path, row, row), tmp_path)

    assert "Row 1, `messages`: message 1 has the unknown role 'critic'." in str(refusal.value)


def test_the_report_says_what_was_made_of_what(tmp_path: Path) -> None:
    rows = [{"prompt": "Hi", "completion": "I am {{name}} of {{ my_team}}."}, {"prompt": "Bye"}]

    report, _ = imported(tmp_path, *rows)

    path = tmp_path / "rows.jsonl"
    assert report.dataset.startswith("rows-")
    assert report.model_dump(exclude={"dataset", "problems", "source_key"}) == {
        "source": "rows.jsonl",
        "revision": None,
        "config": None,
        "split": None,
        "licence": None,
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "format": "prompt-completion",
        "layout": Layout(
            format="prompt-completion",
            prompt="prompt",
            answer="completion",
            confidence=0.5,
            other_possibilities=("prompt-only",),
        ).model_dump(),
        "confidence": 0.5,
        "columns": ("prompt", "completion"),
        "rows_read": 2,
        "rows_imported": 1,
        "problem_count": 1,
        "problem_kinds": {"missing": 1},
        "placeholders": ("{{ my_team}}", "{{name}}"),
        "placeholder_rows": 1,
        "notes": (),
    }


@pytest.mark.parametrize("report", [ImportReport, RemoveReport, DeduplicateReport])
def test_every_report_says_which_rows_it_counts(report: type[BaseModel]) -> None:
    counts = [name for name in report.model_fields if name.startswith("rows_")]

    assert "rows_read" in counts
    assert [name for name in counts if not report.model_fields[name].description] == []


@pytest.mark.parametrize("code", ["{{ . }}", "{{...}}", "{{ a: 'b' }}", "{name}", "{{}}"])
def test_code_in_braces_is_no_placeholder(tmp_path: Path, code: str) -> None:
    report, _ = imported(tmp_path, {"text": f"Write {code} here."})

    assert report.placeholders == ()


@pytest.mark.parametrize("name", ["Support Chats.jsonl", ".support chats!.jsonl"])
def test_the_name_of_the_file_becomes_the_name_of_the_version(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "datasets"

    report = import_dataset(save_lines(tmp_path, GOOD, name=name), folder)

    assert report.dataset.startswith("support-chats-")
    assert [path.stem for path in folder.glob("*.jsonl")] == [report.dataset]


def test_the_same_rows_make_the_same_version(tmp_path: Path) -> None:
    first, _ = imported(tmp_path, GOOD)
    second, _ = imported(tmp_path, GOOD)

    assert first == second


def test_the_source_key_tells_sources_apart_and_stays_when_rows_are_added(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        save_lines(folder, GOOD)

    first, second = (import_dataset(folder / "rows.jsonl", tmp_path) for folder in folders)
    (tmp_path / "link").symlink_to(folders[0])
    save_lines(folders[0], GOOD, GOOD, GOOD)
    grown = import_dataset(tmp_path / "link" / "rows.jsonl", tmp_path)

    assert first.dataset == second.dataset
    assert first.source_key != second.source_key
    assert first.dataset != grown.dataset
    assert first.source_key == grown.source_key


def test_configurations_and_splits_of_one_hub_dataset_are_sources_of_their_own() -> None:
    german = HubDataset(id="anna/chats", config="de")

    others = [
        HubDataset(id="anna/chats", config="en"),
        HubDataset(id="anna/chats"),
        HubDataset(id="otto/chats", config="de"),
        HubDataset(id="anna/chats", config="de", split="test"),
    ]

    assert len({source_key(one) for one in (german, *others)}) == 5
    assert source_key(german) == source_key(german.model_copy(update={"revision": "main"}))


def test_the_files_of_a_folder_are_numbered_through(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    save_lines(folder, GOOD, GOOD, name="a.jsonl")
    save_lines(folder, GOOD, name="b.jsonl")
    (folder / "README.md").write_text("Chats.", encoding="utf-8")

    report = import_dataset(folder, tmp_path)

    assert [one.row for one in load_version(tmp_path, report.dataset)] == [1, 2, 3]
    assert (report.source, report.dataset[:6]) == ("chats", "chats-")


def test_of_a_folder_with_a_train_file_only_that_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    save_lines(folder, GOOD, name="train.jsonl")
    save_lines(folder, GOOD, GOOD, name="test.jsonl")

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
        save_lines(folder, GOOD, name=name)

    with pytest.raises(DatasetError, match="The folder 'chats'") as refusal:
        import_dataset(folder, tmp_path)

    assert reason in str(refusal.value)


@pytest.mark.parametrize("name", ["", "."])
def test_a_dataset_without_a_name_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(DatasetError, match=r"No dataset was named\. Give a file such as"):
        import_dataset(Path(name), tmp_path / "datasets")


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read: File name too long"):
        import_dataset(tmp_path / f"{'a' * 300}.jsonl", tmp_path)


def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    os.mkfifo(folder / "train.jsonl")

    with pytest.raises(DatasetError, match=r"'train\.jsonl' is not a regular file"):
        import_dataset(folder, tmp_path)


def test_a_small_file_that_spells_much_more_text_is_refused_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bomb.parquet"
    column = pyarrow.array(["x" * 1_000_000]).take(pyarrow.array([0] * 300))
    pyarrow.parquet.write_table(pyarrow.table({"text": column}), path)

    with pytest.raises(DatasetError, match="holds more than 250 times as much text as its size"):
        import_dataset(path, tmp_path / "datasets")

    assert list((tmp_path / "datasets").iterdir()) == []


def test_the_import_says_what_it_found(tmp_path: Path) -> None:
    listener = Listener()

    import_dataset(save_lines(tmp_path, GOOD), tmp_path, progress=listener)

    assert listener.logs == [
        "rows.jsonl is in the format messages.",
        "Imported 1 of 1 row.",
    ]


def test_an_import_that_is_stopped_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        import_dataset(
            save_lines(tmp_path, GOOD), tmp_path / "datasets", progress=Listener(stop_after=0)
        )

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
