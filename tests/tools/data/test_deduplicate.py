"""Repeated rows go, and only those."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.tools.data.rows import chat, chats, load_version, pair, save_version, text
from tools.data.conversation import Conversation, Segment, Step, ToolCall
from tools.data.deduplicate import DeduplicateReport, deduplicate, different
from tools.errors import DatasetError

CALL = ToolCall(name="add", arguments={"a": 1}, id="call_1")
OTHER_CALL = ToolCall(name="add", arguments={"a": 2}, id="call_1")
UNLEARNT = Segment(text="a", label=False)


def answered(**fields: Any) -> Conversation:
    """Return a row whose answer has `fields`."""
    row = chat("Hi")
    return row.model_copy(
        update={"messages": (row.messages[0], row.messages[1].model_copy(update=fields))}
    )


def bare(**fields: Any) -> Conversation:
    return Conversation(row=1, **fields)


def test_the_first_of_the_repeated_rows_stays(tmp_path: Path) -> None:
    rows = chats(20)
    repeats = [chat("what is 3?", "A NUMBER: 3.", row=21), rows[4].model_copy(update={"row": 27})]

    report = deduplicate(save_version(tmp_path, rows + repeats), tmp_path)

    assert report == DeduplicateReport(
        dataset=report.dataset, rows_read=22, rows_kept=20, repeats=((21, 3), (27, 5))
    )
    assert report.dataset.startswith("chats-")
    assert load_version(tmp_path, report.dataset) == rows


def without_repeats(*rows: Conversation) -> tuple[list[Conversation], list[tuple[int, int]]]:
    """Return the rows that stay, and each other one's number with that of the row it repeats."""
    repeats: list[tuple[int, int]] = []
    return list(different(rows, repeats)), repeats


@pytest.mark.parametrize(
    "twin",
    ["HELLO CAFÉ", "  hello   café ", "hello\ncafé", "hello cafe\u0301", "ｈello\u00a0café"],  # noqa: RUF001
)
def test_case_white_space_and_unicode_variants_do_not_count(twin: str) -> None:
    first = chat("hello café")

    assert without_repeats(first, chat(twin, row=2)) == ([first], [(2, 1)])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (chat("Hi", "Yes."), chat("Hi", "No.")),
        (chat("Hi"), text("Yes.")),
        (pair("Hi", "a", "b"), pair("Hi", "a", "c")),
        (pair("Hi", "a", "b"), pair("Hi", "b", "a")),
        (chat("a b"), chat("ab")),
        (answered(tool_calls=(CALL,)), answered(tool_calls=(OTHER_CALL,))),
        (answered(reasoning_content="So."), answered(reasoning_content="Thus.")),
        (answered(weight=1), answered(weight=0)),
        (bare(segments=(Segment(text="a", label=True),)), bare(segments=(UNLEARNT,))),
        (bare(steps=(Step(text="a", label=True),)), bare(steps=(Step(text="a", label=False),))),
        (bare(label=True), bare(label=False)),
        (bare(tools=({"name": "add"},)), bare(tools=({"name": "subtract"},))),
        (bare(extra={"answer": 1}), bare(extra={"answer": 2})),
    ],
)
def test_rows_that_differ_both_stay(first: Conversation, second: Conversation) -> None:
    assert without_repeats(first, second) == ([first, second], [])


def test_the_name_of_a_call_and_the_group_do_not_count() -> None:
    first = answered(tool_calls=(CALL,))
    renamed = answered(tool_calls=(CALL.model_copy(update={"id": "call_2"}),))
    second = renamed.model_copy(update={"row": 2, "group": "page 3"})

    assert without_repeats(first, second) == ([first], [(2, 1)])


def test_a_row_that_repeats_another_of_its_number_goes() -> None:
    twice = [chat("Hi", row=3), chat("Hi", row=3)]

    assert without_repeats(*twice) == (twice[:1], [(3, 3)])


def test_the_order_of_arguments_and_of_other_columns_does_not_count() -> None:
    call = ToolCall(name="add", arguments={"a": 1, "b": 2})
    turned = ToolCall(name="add", arguments={"b": 2, "a": 1})
    first = answered(tool_calls=(call,)).model_copy(update={"extra": {"a": 1, "b": 2}})
    second = answered(tool_calls=(turned,)).model_copy(update={"extra": {"b": 2, "a": 1}})

    assert without_repeats(first, second) == ([first], [(1, 1)])


def test_a_row_of_texts_alone_repeats_one_that_says_the_usual_in_full(tmp_path: Path) -> None:
    rows = chats(20)
    full = '{"messages":[{"role":"user","content":"What is 3?","weight":1.0,"tool_calls":[]},'
    full += '{"role":"assistant","content":"A number: 3.","name":""}],"label":null,"row":21}\n'
    source = tmp_path / "chats.jsonl"
    source.write_text(save_version(tmp_path, rows).read_text(encoding="utf-8") + full)

    report = deduplicate(source, tmp_path)

    assert (report.rows_read, report.repeats) == (21, ((21, 3),))


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"messages": 1, "row": 1}',
        '{"messages": [1], "row": 1}',
        '{"messages": [{"role": "bot", "content": "Hi"}], "row": 1}',
        '{"messages": [{"role": "user", "content": null}], "row": 1}',
        '{"messages": [{"role": "user", "content": "Hi"}], "row": 0}',
        '{"messages": [{"role": ["user"], "content": "Hi"}], "row": 1}',
    ],
)
def test_a_line_that_is_no_conversation_is_refused_with_its_number(
    tmp_path: Path, line: str
) -> None:
    source = tmp_path / "chats.jsonl"
    source.write_text(f"{save_version(tmp_path, chats(30)).read_text()}{line}\n")

    with pytest.raises(DatasetError, match="Dataset 'chats', line 31: "):
        deduplicate(source, tmp_path / "target")

    assert [one for one in tmp_path.glob("target/*") if one.suffix == ".jsonl"] == []


def test_planted_repeats_are_found_and_nothing_else() -> None:
    draw = random.Random(6)
    rows = chats(5000)
    planted = draw.sample(rows, 100)
    twins = [
        chat(row.messages[0].content.upper() + "\n", row.messages[1].content, 5000 + n)
        for n, row in enumerate(planted, start=1)
    ]
    repeats: list[tuple[int, int]] = []

    kept = list(different([*rows, *twins], repeats))

    assert kept == rows
    assert repeats == [(5000 + n, row.row) for n, row in enumerate(planted, start=1)]


def test_only_the_first_fifty_repeats_are_listed(tmp_path: Path) -> None:
    repeats = [chat("What is 1?", "A number: 1.", row=row) for row in range(21, 111)]

    report = deduplicate(save_version(tmp_path, chats(20) + repeats), tmp_path)

    assert (len(report.repeats), report.rows_read, report.rows_kept) == (50, 110, 20)


def test_repeats_that_leave_too_few_rows_are_counted_in_the_refusal(tmp_path: Path) -> None:
    repeats = [chat("What is 1?", "A number: 1.", row=row) for row in range(6, 101)]

    with pytest.raises(DatasetError, match=r"Only 5 usable .* of 100, .* 95 repeated \(rows 6, 7"):
        deduplicate(save_version(tmp_path, chats(5) + repeats), tmp_path / "target")

    assert not (tmp_path / "target").exists()
