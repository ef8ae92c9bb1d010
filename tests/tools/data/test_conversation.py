"""A dataset version is read as it was written, or what is wrong with it is told."""

import re
from pathlib import Path

import pytest

from tests.tools.data.rows import chat, chats, save_file, save_version
from tools.data.conversation import read_conversations
from tools.errors import DatasetError


def test_a_missing_dataset_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no dataset 'absent-0123456789ab'"):
        list(read_conversations(tmp_path / "absent-0123456789ab.jsonl"))


def test_a_version_that_was_changed_is_not_read(tmp_path: Path) -> None:
    path = save_version(tmp_path, chats(3))
    path.write_text(path.read_text(encoding="utf-8").replace("number", "letter"), encoding="utf-8")

    with pytest.raises(DatasetError, match="has been changed since it was made"):
        list(read_conversations(path))


def test_a_version_that_was_damaged_is_written_again(tmp_path: Path) -> None:
    path = save_version(tmp_path, chats(3))
    path.write_text("", encoding="utf-8")

    assert save_version(tmp_path, chats(3)) == path
    assert list(read_conversations(path)) == chats(3)


def test_a_line_separator_in_a_message_is_text(tmp_path: Path) -> None:
    rows = [chat("one\u2028two\u0085three")]

    assert list(read_conversations(save_version(tmp_path, rows))) == rows


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"messages": [}', "Invalid JSON: expected value at column 15"),
        ('{"messages": [],', "Invalid JSON: EOF while parsing a value at column 16"),
        ('{"messages": []}', "Field required"),
    ],
)
@pytest.mark.parametrize("skipped", [0, 1])
def test_a_malformed_line_has_one_number(
    tmp_path: Path, line: str, problem: str, skipped: int
) -> None:
    good = chat("Hi").model_dump_json()
    path = save_file(tmp_path, "chats.jsonl", f"{good}\n{line}\n{good}\n")

    with pytest.raises(DatasetError, match=re.escape(f"Dataset 'chats', line 2: {problem}.")):
        list(read_conversations(path, skip=skipped))
