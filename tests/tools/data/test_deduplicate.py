"""Repeated rows go, and only those."""

from pathlib import Path

import pytest

from tools.data.conversation import Conversation, Message, read_conversations, write_version
from tools.data.deduplicate import DeduplicateReport, deduplicate
from tools.errors import DatasetError


def chat(question: str, answer: str = "Yes.", row: int = 1) -> Conversation:
    messages = (
        Message(role="user", content=question),
        Message(role="assistant", content=answer),
    )
    return Conversation(messages=messages, row=row)


def text(content: str, row: int = 1) -> Conversation:
    return Conversation(messages=(Message(role="assistant", content=content),), row=row)


def pair(question: str, chosen: str, rejected: str, row: int = 1) -> Conversation:
    return Conversation(
        messages=(Message(role="user", content=question),),
        chosen=(Message(role="assistant", content=chosen),),
        rejected=(Message(role="assistant", content=rejected),),
        row=row,
    )


def save(folder: Path, rows: list[Conversation]) -> Path:
    return write_version(folder, "chats", rows)


def load(folder: Path, name: str) -> list[Conversation]:
    return list(read_conversations(folder / f"{name}.jsonl"))


def test_the_first_of_the_repeated_rows_stays(tmp_path: Path) -> None:
    rows = [chat("Hi", row=1), chat("Bye", row=2), chat("hi", row=3), chat("HI", row=7)]

    report = deduplicate(save(tmp_path, rows), tmp_path)

    assert report == DeduplicateReport(
        dataset=report.dataset, rows_read=4, rows_kept=2, repeats=((3, 1), (7, 1))
    )
    assert report.dataset.startswith("chats-")
    assert load(tmp_path, report.dataset) == rows[:2]


@pytest.mark.parametrize(
    "twin",
    ["HELLO CAFÉ", "  hello   café ", "hello\ncafé", "hello cafe\u0301", "ｈello\u00a0café"],  # noqa: RUF001
)
def test_case_white_space_and_unicode_variants_do_not_count(tmp_path: Path, twin: str) -> None:
    source = save(tmp_path, [chat("hello café"), chat(twin, row=2)])

    assert deduplicate(source, tmp_path).rows_kept == 1


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
def test_rows_that_differ_both_stay(
    tmp_path: Path, first: Conversation, second: Conversation
) -> None:
    assert deduplicate(save(tmp_path, [first, second]), tmp_path).rows_kept == 2


def test_only_the_first_fifty_repeats_are_listed(tmp_path: Path) -> None:
    report = deduplicate(save(tmp_path, [chat("Hi", row=n) for n in range(1, 91)]), tmp_path)

    assert (len(report.repeats), report.rows_kept) == (50, 1)


def test_a_missing_dataset_is_named(tmp_path: Path) -> None:
    absent = tmp_path / "absent-0123456789ab.jsonl"

    with pytest.raises(DatasetError, match="There is no dataset 'absent-0123456789ab'"):
        deduplicate(absent, tmp_path)
