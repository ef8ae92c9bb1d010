"""Packed files, files of Arrow and folders are read like any other; bombs and lies are refused."""

import gzip
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pytest
import zstandard
from datasets import Dataset, DatasetDict

from tests.tools.data.rows import GOOD, save_file
from tools.data.import_dataset import import_dataset
from tools.data.read_bytes import Reading
from tools.data.read_rows import data_suffix, read_rows
from tools.errors import DatasetError

ROOT = Path(__file__).parents[3]
ROWS: list[dict[str, Any]] = [
    {"prompt": "Hi", "completion": "Hello"},
    {"prompt": "Bye", "completion": "So long"},
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def packed(content: bytes, suffix: str) -> bytes:
    return (
        gzip.compress(content, mtime=0)
        if suffix == ".gz"
        else zstandard.ZstdCompressor().compress(content)
    )


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", LINES),
        ("rows.json", json.dumps(ROWS).encode()),
        ("ROWS.CSV", b"prompt,completion\nHi,Hello\nBye,So long\n"),
        ("rows.tsv", b"prompt\tcompletion\nHi\tHello\nBye\tSo long\n"),
    ],
)
def test_a_packed_file_is_read_as_what_is_in_it(
    tmp_path: Path, name: str, content: bytes, suffix: str
) -> None:
    path = save_file(tmp_path, name + suffix, packed(content, suffix))
    reading = Reading()

    assert list(read_rows(path, reading)) == list(enumerate(ROWS, start=1))
    assert reading.bytes_read == path.stat().st_size


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_packed_file_may_consist_of_several_parts(tmp_path: Path, suffix: str) -> None:
    first, second = LINES.splitlines(keepends=True)
    path = save_file(tmp_path, f"a.jsonl{suffix}", packed(first, suffix) + packed(second, suffix))

    assert list(read_rows(path)) == list(enumerate(ROWS, start=1))


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.jsonl", ".jsonl"),
        ("A.JSONL.GZ", ".jsonl.gz"),
        ("a.b.csv.zst", ".csv.zst"),
        ("a.parquet.gz", None),
        ("a.gz", None),
        ("jsonl", None),
    ],
)
def test_the_type_of_a_file_is_what_its_name_ends_in(name: str, suffix: str | None) -> None:
    assert data_suffix(name) == suffix


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_packed_file_that_is_cut_is_refused(tmp_path: Path, suffix: str) -> None:
    content = packed(LINES * 10_000, suffix)

    with pytest.raises(DatasetError, match="it is damaged or incomplete"):
        import_dataset(save_file(tmp_path, f"a.jsonl{suffix}", content[:-9]), tmp_path)


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_what_unpacks_to_far_more_than_it_holds_is_refused(tmp_path: Path, suffix: str) -> None:
    content = packed(LINES + (b" " * 999_999 + b"\n") * 100, suffix)

    with pytest.raises(DatasetError, match="unpacks to more than 250 times its size"):
        list(read_rows(save_file(tmp_path, f"bomb.jsonl{suffix}", content)))


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("rows.jsonl", LINES)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.jsonl", _zip(), "it is a ZIP archive. Unpack it"),
        ("a.csv", _zip(), "it is a ZIP archive"),
        ("a.jsonl.gz", packed(_zip(), ".gz"), "it is a ZIP archive"),
        (
            "a.jsonl",
            gzip.compress(LINES, mtime=0),
            "it is packed with gzip. Let its name end in .gz",
        ),
        ("a.json", packed(LINES, ".zst"), "it is packed with zstd"),
        ("a.jsonl", b"PAR1\x15\x04", "it is a Parquet file. Let its name end in .parquet"),
        ("a.jsonl", b"\x89PNG\r\n\x1a\n", "it is an image"),
        ("a.jsonl", b"\x80\x05\x95" + b"\0" * 99, "it holds binary data"),
        ("a.csv", b"\x7fELF" + b"\0" * 99, "it holds binary data"),
    ],
)
def test_what_is_no_text_is_refused_by_what_it_is(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    with pytest.raises(DatasetError, match="is not what its name says") as refusal:
        list(read_rows(save_file(tmp_path, name, content)))

    assert reason in str(refusal.value)


def test_a_zip_is_of_no_type_that_is_read(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is of a type that is not read"):
        list(read_rows(save_file(tmp_path, "rows.zip", _zip())))


@pytest.mark.parametrize("shards", [1, 3])
def test_a_folder_of_save_to_disk_is_read(tmp_path: Path, shards: int) -> None:
    rows = [{**GOOD, "id": n} for n in range(2500)]
    Dataset.from_list(rows).save_to_disk(tmp_path / "saved", num_shards=shards)

    report = import_dataset(tmp_path / "saved", tmp_path / "datasets")

    assert (report.source, report.format) == ("saved", "messages")
    assert (report.rows_read, report.rows_imported) == (2500, 2500)


def test_of_a_saved_folder_with_splits_the_one_called_train_is_read(tmp_path: Path) -> None:
    made = {"test": Dataset.from_list(ROWS[:1]), "train": Dataset.from_list(ROWS)}
    DatasetDict(made).save_to_disk(tmp_path / "saved")
    DatasetDict({"a": made["test"], "b": made["test"]}).save_to_disk(tmp_path / "other")

    assert import_dataset(tmp_path / "saved", tmp_path).rows_read == 2
    assert import_dataset(tmp_path / "other" / "b", tmp_path).rows_read == 1
    with pytest.raises(DatasetError, match=r"holds the splits a, b\. Name the folder of one"):
        import_dataset(tmp_path / "other", tmp_path)


@pytest.mark.parametrize("name", ["../secret.arrow", "/etc/passwd", "", "..", 3, "data.pkl"])
def test_a_saved_folder_leads_to_no_file_outside_it(tmp_path: Path, name: object) -> None:
    Dataset.from_list(ROWS).save_to_disk(tmp_path / "saved")
    state = {"_data_files": [{"filename": name}]}
    save_file(tmp_path / "saved", "state.json", json.dumps(state))
    save_file(tmp_path, "secret.arrow", b"")

    with pytest.raises(DatasetError, match="does not say which of its files hold the rows"):
        import_dataset(tmp_path / "saved", tmp_path)


def arrow(table: pyarrow.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    with pyarrow.ipc.new_file(
        buffer, table.schema, options=pyarrow.ipc.IpcWriteOptions(**options)
    ) as writer:
        writer.write_table(table, max_chunksize=1)
    return buffer.getvalue()


def test_a_file_of_arrow_is_read_with_dictionaries_in_it(tmp_path: Path) -> None:
    table = pyarrow.table({"text": pyarrow.array(["a", "b", "a"]).dictionary_encode()})

    assert list(read_rows(save_file(tmp_path, "rows.arrow", arrow(table)))) == [
        (1, {"text": "a"}),
        (2, {"text": "b"}),
        (3, {"text": "a"}),
    ]


UUID = pyarrow.table({"text": pyarrow.array([b"0" * 16], pyarrow.uuid())})
TEXT = pyarrow.table({"text": ["x" * 1000]})
WORDS = pyarrow.table({"text": pyarrow.array(["x" * 1000]).dictionary_encode()})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (arrow(UUID), "has an extension type"),
        (arrow(TEXT, compression="zstd"), "holds compressed batches"),
        (arrow(WORDS, compression="lz4"), "holds compressed batches"),
        (arrow(TEXT)[:400], "cannot be read as Arrow after row 0"),
        (b"", "cannot be read as Arrow after row 0"),
        (b"\xff" * 100, "cannot be read as Arrow after row 0"),
        (arrow(TEXT)[:300] + b"\xff" * 400, "cannot be read as Arrow after row 0"),
    ],
    ids=range(7),
)
def test_a_bad_file_of_arrow_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(DatasetError, match=reason):
        list(read_rows(save_file(tmp_path, "rows.arrow", content)))


def test_the_files_of_a_folder_may_be_packed_and_may_lie_in_data(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    (folder / "data").mkdir(parents=True)
    save_file(folder / "data", "a.jsonl", LINES)
    save_file(folder / "data", "b.jsonl.gz", gzip.compress(LINES + b"oops\n", mtime=0))

    report = import_dataset(folder, tmp_path)

    assert (report.rows_imported, [one.row for one in report.problems]) == (4, [5])
    assert report.bytes == sum(path.stat().st_size for path in (folder / "data").iterdir())


_CHILD = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (900_000_000,) * 2)
from pathlib import Path
from tools.data.import_dataset import import_dataset
from tools.errors import DatasetError
try:
    print(import_dataset(Path(sys.argv[1]), Path(sys.argv[2])).rows_imported)
except DatasetError as error:
    print(error)
"""


def _limited(path: Path, folder: Path) -> str:
    """Import in a process that has little memory, and return what it says."""
    result = subprocess.run(
        [sys.executable, "-c", _CHILD, path, folder],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize(
    ("name", "start", "answer"),
    [
        ("rows.jsonl", LINES + b'{"text": "', "2"),
        ("rows.json", b'[{"text": "', "at or after row 1: Invalid control character"),
        ("rows.csv", b'text\n"', "holds no rows"),
    ],
)
def test_one_endless_line_takes_little_memory(
    tmp_path: Path, name: str, start: bytes, answer: str
) -> None:
    path = save_file(tmp_path, name, start + b"x" * 5000)
    with path.open("r+b") as file:
        file.truncate(300 * 1024**2)  # takes no room on the disk

    assert answer in _limited(path, tmp_path / "datasets")
