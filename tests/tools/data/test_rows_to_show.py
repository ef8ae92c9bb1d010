from pathlib import Path

import pytest

from tests.tools.data.rows import chat, chats, save_version
from tools.data import rows_to_show as module
from tools.data.rows_to_show import rows_to_show
from tools.errors import DatasetError


def test_rows_are_shown_as_they_are_asked_for(tmp_path: Path) -> None:
    rows = chats(8)
    version = save_version(tmp_path, rows)

    assert rows_to_show(version, []) == rows[:5]
    assert rows_to_show(version, [7, 2, 7]) == [rows[6], rows[1], rows[6]]
    with pytest.raises(DatasetError, match="The dataset has no row 9"):
        rows_to_show(version, [1, 9])


def test_a_row_that_is_too_long_is_refused_when_named_and_else_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAXIMUM_CHARACTERS", 500)
    long = chat("Hi " * 200, row=1)
    version = save_version(tmp_path, [long, chat("Hello", row=2)])

    assert rows_to_show(version, ()) == [chat("Hello", row=2)]
    with pytest.raises(DatasetError, match=r"Row 1 has more than .* Name other rows"):
        rows_to_show(version, [2, 1])
    with pytest.raises(DatasetError, match="Every row has more than"):
        rows_to_show(save_version(tmp_path, [long]), ())
