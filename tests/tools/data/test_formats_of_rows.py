"""What rows become in every format, whole: tools, labels, steps, segments, preference, groups."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.tools.data.rows import ASSISTANT, KIND, REPLY, SAID, SYSTEM, USER, imported
from tools.data.conversation import Conversation, Message, Segment, Step, ToolCall

WEATHER = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object"}},
}
GROUP = hashlib.sha256(b"7").hexdigest()[:16]
PASSAGE = "The town of Bonn lies on the river Rhine, south of Cologne."


def whole(*messages: Message, **beside: Any) -> Conversation:
    return Conversation(messages=messages, row=1, **beside)


@pytest.mark.parametrize(
    ("format", "row", "conversation"),
    [
        *(
            (
                "messages",
                {"messages": [USER, ASSISTANT], "tools": tools},
                whole(SAID, REPLY, tools=(WEATHER,)),
            )
            for tools in ([WEATHER], [WEATHER["function"]], json.dumps([WEATHER]))
        ),
        ("messages", {"messages": [USER, ASSISTANT], "tools": ""}, whole(SAID, REPLY)),
        (
            "sharegpt",
            {
                "conversations": [
                    {"from": "human", "value": "Hi"},
                    {
                        "from": "function_call",
                        "value": '{"name": "weather", "arguments": {"city": "Bonn"}}',
                    },
                    {"from": "observation", "value": "Rain"},
                    {"from": "gpt", "value": "It rains."},
                ],
                "tools": json.dumps([WEATHER["function"]]),
            },
            whole(
                SAID,
                Message(
                    role="assistant",
                    content="",
                    tool_calls=(ToolCall(name="weather", arguments={"city": "Bonn"}),),
                ),
                Message(role="tool", content="Rain"),
                Message(role="assistant", content="It rains."),
                tools=(WEATHER,),
            ),
        ),
        (
            "unpaired-preference",
            {"prompt": "Hi", "completion": "Hello", "label": False},
            whole(SAID, REPLY, label=False),
        ),
        (
            "unpaired-preference",
            {"prompt": [USER], "completion": [ASSISTANT], "label": "true"},
            whole(SAID, REPLY, label=True),
        ),
        (
            "unpaired-preference",
            {"messages": [USER, ASSISTANT], "label": True},
            whole(SAID, REPLY, label=True),
        ),
        (
            "unpaired-preference",
            {"instruction": "Hi", "output": "Hello", "kto_tag": False},
            whole(SAID, REPLY, label=False),
        ),
        (
            "stepwise",
            {"prompt": "Hi", "completions": ["One.", "Two."], "labels": [True, 0]},
            whole(SAID, steps=(Step(text="One.", label=True), Step(text="Two.", label=False))),
        ),
        (
            "segments",
            {"segments": [{"label": False, "text": "<s>Hi\n"}, {"label": True, "text": "Yo</s>"}]},
            whole(
                segments=(
                    Segment(text="<s>Hi\n", label=False),
                    Segment(text="Yo</s>", label=True),
                )
            ),
        ),
        (
            "prompt-only",
            {"prompt": "Hi", "solution": "42", "level": 3, "tests": {"in": [1]}, "none": None},
            whole(SAID, extra={"solution": "42", "level": 3, "tests": {"in": [1]}}),
        ),
        (
            "prompt-only",
            {"prompt": [SYSTEM, USER], "answer": "42"},
            whole(KIND, SAID, extra={"answer": "42"}),
        ),
        # Preference in the spellings of other tools.
        *(
            (
                "preference",
                row,
                whole(*before, chosen=(REPLY,), rejected=(Message(role="assistant", content="?"),)),
            )
            for row, before in [
                ({"prompt": "Hi", "text": "Hello", "rejected": "?"}, (SAID,)),
                ({"prompt": "Hi", "text": "Hello", "rejected_text": "?"}, (SAID,)),
                (
                    {"instruction": "Hi", "chosen_response": "Hello", "rejected_response": "?"},
                    (SAID,),
                ),
                (
                    {"system": "Be kind.", "question": "Hi", "chosen": "Hello", "rejected": "?"},
                    (KIND, SAID),
                ),
                (
                    {"system": "Be kind.", "input": "Hi", "chosen": "Hello", "rejected": "?"},
                    (KIND, SAID),
                ),
                (
                    {
                        "system": "Be kind.",
                        "prompt": "Hi",
                        "chosen": [USER, ASSISTANT],
                        "rejected": [USER, {"role": "assistant", "content": "?"}],
                    },
                    (KIND, SAID),
                ),
                (
                    {
                        "messages": [SYSTEM, USER],
                        "chosen": ASSISTANT,
                        "rejected": {"role": "assistant", "content": "?"},
                    },
                    (KIND, SAID),
                ),
            ]
        ),
        # What rows of one document or conversation have in common.
        *(
            (
                "alpaca",
                {"question": "Hi", "answer": "Hello", name: value},
                whole(SAID, REPLY, group=GROUP),
            )
            for name, value in [
                ("document_id", 7),
                ("doc_id", "7"),
                ("source_id", "7"),
                ("conversation_id", "7"),
                ("Thread_ID", "7"),
                ("chunk_id", "7"),
            ]
        ),
        (
            "alpaca",
            {"question": "Hi", "passage": PASSAGE, "answer": "Hello"},
            whole(SAID, REPLY, group=hashlib.sha256(PASSAGE.encode()).hexdigest()[:16]),
        ),
        ("alpaca", {"question": "Hi", "passage": "None", "answer": "Hello"}, whole(SAID, REPLY)),
    ],
)
def test_rows_come_out_whole(
    tmp_path: Path, format: str, row: dict[str, Any], conversation: Conversation
) -> None:
    report, conversations = imported(tmp_path, row)

    assert (report.format, report.problems) == (format, ())
    assert conversations == [conversation]


def test_an_id_that_all_rows_share_keeps_none_of_them_together(tmp_path: Path) -> None:
    row = {"question": "Hi", "answer": "Hello", "source_id": "web"}

    _, conversations = imported(tmp_path, row, row)

    assert [one.group for one in conversations] == ["", ""]


def test_the_pairs_of_one_row_are_rows_of_one_group(tmp_path: Path) -> None:
    pairs = [
        {"question": "Hi", "answer": "Hello"},
        {"question": "Bye"},
        {"question": "A", "answer": "B"},
    ]

    report, conversations = imported(tmp_path, {"doc_id": 7, "qa_pairs": pairs})

    assert [(one.answer, one.group, one.row) for one in conversations] == [
        ("Hello", GROUP, 1),
        ("B", GROUP, 1),
    ]
    assert report.problem_kinds == {"bad_pairs": 1}
