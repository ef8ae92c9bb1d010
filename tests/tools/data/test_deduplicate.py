"""Repeated rows go, and only those."""

from pathlib import Path

import pytest

from tests.tools.data.rows import chat, chats, load_version, pair, save_version, text
from tools.data.conversation import Conversation
from tools.data.deduplicate import DeduplicateReport, deduplicate, without_repeats
from tools.errors import DatasetError


def test_the_first_of_the_repeated_rows_stays(tmp_path: Path) -> None:
    rows = chats(20)
    repeats = [chat("what is 3?", "A NUMBER: 3.", row=21), rows[4].model_copy(update={"row": 27})]

    report = deduplicate(save_version(tmp_path, rows + repeats), tmp_path)

    assert report == DeduplicateReport(
        dataset=report.dataset, rows_read=22, rows_kept=20, repeats=((21, 3), (27, 5))
    )
    assert report.dataset.startswith("chats-")
    assert load_version(tmp_path, report.dataset) == rows


@pytest.mark.parametrize(
    "twin",
    ["HELLO CAFÉ", "  hello   café ", "hello\ncafé", "hello cafe\u0301", "ｈello\u00a0café"],  # noqa: RUF001
)
def test_case_white_space_and_unicode_variants_do_not_count(twin: str) -> None:
    first = chat("hello café")

    assert without_repeats([first, chat(twin, row=2)]) == ([first], [(2, 1)])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (chat("Hi", "Yes."), chat("Hi", "No.")),
        (chat("Hi"), text("Yes.")),
        (pair("Hi", "a", "b"), pair("Hi", "a", "c")),
        (pair("Hi", "a", "b"), pair("Hi", "b", "a")),
        (chat("a b"), chat("ab")),
    ],
)
def test_rows_that_differ_both_stay(first: Conversation, second: Conversation) -> None:
    assert without_repeats([first, second]) == ([first, second], [])


def test_only_the_first_fifty_repeats_are_listed(tmp_path: Path) -> None:
    repeats = [chat("What is 1?", "A number: 1.", row=row) for row in range(21, 111)]

    report = deduplicate(save_version(tmp_path, chats(20) + repeats), tmp_path)

    assert (len(report.repeats), report.rows_read, report.rows_kept) == (50, 110, 20)


def test_repeats_that_leave_too_few_rows_are_counted_in_the_refusal(tmp_path: Path) -> None:
    repeats = [chat("What is 1?", "A number: 1.", row=row) for row in range(6, 101)]

    with pytest.raises(DatasetError, match=r"Only 5 usable .* of 100, .* 95 repeated \(rows 6, 7"):
        deduplicate(save_version(tmp_path, chats(5) + repeats), tmp_path / "target")

    assert not (tmp_path / "target").exists()
