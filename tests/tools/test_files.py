from pathlib import Path

import pytest

from tools.errors import WorkspaceError
from tools.files import sha256_of, write_text


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "note.txt"

    write_text(path, "first")
    write_text(path, "second\u2028line")

    assert path.read_text(encoding="utf-8") == "second\u2028line"
    assert [found.name for found in path.parent.iterdir()] == ["note.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    write_text(path, "old")

    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud800")

    assert path.read_text(encoding="utf-8") == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["note.txt"]


def test_the_hash_is_sha256(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")

    assert sha256_of(path).startswith("ba7816bf8f01cfea")


def test_a_folder_that_cannot_be_written_is_a_plain_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(WorkspaceError, match=r"'note\.txt' cannot be written: ") as refusal:
        write_text(tmp_path / "file" / "note.txt", "text")

    assert str(tmp_path) not in str(refusal.value)
