"""A row that cannot be a conversation is left out, and its reader is told why."""

from typing import Any

import pytest

from tests.tools.data.rows import ASSISTANT, GOOD, USER
from tools.data.conversation import Conversation
from tools.data.convert_row import convert_row
from tools.data.recognise_format import recognise_format
from tools.data.row_problem import RowProblem


@pytest.mark.parametrize(
    ("good", "bad", "field", "problem"),
    [
        (GOOD, {"messages": []}, "messages", "there are no messages"),
        (GOOD, {"messages": None}, "messages", "there are no messages"),
        (GOOD, {"other": 1}, "messages", "there are no messages"),
        (GOOD, {"messages": "Hi"}, "messages", "there are no messages"),
        (GOOD, {"messages": [USER, "Hello"]}, "messages", "message 2 is not an object"),
        (GOOD, {"messages": [{"content": "Hi"}]}, "messages", "message 1 has no role"),
        (
            GOOD,
            {"messages": [USER, {"role": "critic", "content": "Hm"}]},
            "messages",
            "message 2 has the unknown role 'critic'",
        ),
        (
            GOOD,
            {"messages": [USER, {"role": "assistant", "tool_calls": [{"id": "1"}]}]},
            "messages",
            "a tool call in message 2 has no name",
        ),
        (
            GOOD,
            {"messages": [USER, {"role": "assistant", "tool_calls": ["f"]}]},
            "messages",
            "a tool call in message 2 is not an object",
        ),
        (
            GOOD,
            {
                "messages": [
                    USER,
                    {"role": "assistant", "tool_calls": [{"name": "f", "arguments": "{oops"}]},
                ]
            },
            "messages",
            "the arguments of a tool call in message 2 are no object",
        ),
        (
            GOOD,
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ASSISTANT]},
            "messages",
            "message 1 holds a part that is no text 'image_url'",
        ),
        (
            GOOD,
            {"messages": [{"role": "user", "content": ["Hi"]}, ASSISTANT]},
            "messages",
            "message 1 holds a part that is no text",
        ),
        (
            GOOD,
            {"messages": [{"role": "Anna Meier, 12 High St", "content": "Hi"}, ASSISTANT]},
            "messages",
            "message 1 has the unknown role",
        ),
        (
            GOOD,
            {"messages": [USER, {**ASSISTANT, "weight": -1}]},
            "messages",
            "the weight of message 2 is no number from 0 to 100",
        ),
        (
            GOOD,
            {
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "text", "text": "A", "weight": 0},
                            {"type": "text", "text": "B"},
                        ],
                    },
                ]
            },
            "messages",
            "message 2 has weights that differ",
        ),
        (
            GOOD,
            {
                "messages": [
                    USER,
                    {
                        **ASSISTANT,
                        "train_detail": [{"begin_offset": 0, "end_offset": 1, "train": False}],
                    },
                ]
            },
            "messages",
            "message 2 has weights that differ",
        ),
        (
            {**GOOD, "tools": "[]"},
            {**GOOD, "tools": "{oops"},
            "tools",
            "it is not JSON",
        ),
        (
            {**GOOD, "tools": [{"name": "f"}]},
            {**GOOD, "tools": [{"description": "f"}]},
            "tools",
            "tool 1 has no name",
        ),
        (
            {"prompt": "Hi", "completions": ["a"], "labels": [True]},
            {"prompt": "Hi", "completions": ["a", "b"], "labels": [True]},
            "labels",
            "there are 2 steps and 1 label",
        ),
        (
            {"prompt": "Hi", "completions": ["a"], "labels": [True]},
            {"prompt": "Hi", "completions": ["a"], "labels": ["maybe"]},
            "completions",
            "step 1 is not a text with true or false",
        ),
        (
            {"segments": [{"label": True, "text": "a"}]},
            {"segments": [{"label": None, "text": "a"}]},
            "segments",
            "segment 1 is not a text with a label",
        ),
        (
            {"segments": [{"label": True, "text": "a"}]},
            {"segments": []},
            "segments",
            "there are no segments",
        ),
        (
            GOOD,
            {"messages": [{"role": "user", "content": 3}, ASSISTANT]},
            "messages",
            "the content of message 1 is not text",
        ),
        (
            {"instruction": "Hi", "output": "Hello"},
            {"instruction": "Hi"},
            "output",
            "the column is missing",
        ),
        (
            {"instruction": "Hi", "output": "Hello"},
            {"instruction": 5, "output": "Hello"},
            "instruction",
            "it is not text",
        ),
        (
            {"instruction": "Hi", "output": "Hello", "history": [["a", "b"]]},
            {"instruction": "Hi", "output": "Hello", "history": [["a"]]},
            "history",
            "it is not a list of pairs",
        ),
        (
            {"messages": [USER, ASSISTANT], "kto_tag": True},
            {"messages": [USER, ASSISTANT]},
            "kto_tag",
            "it does not say whether the answer is a good one",
        ),
        (
            {"prompt": "Hi", "chosen": "Hello", "rejected": "What?"},
            {"prompt": "Hi", "chosen": "Hello", "rejected": "Hello"},
            "rejected",
            "both answers are the same",
        ),
        (
            {"chosen": "The sky is blue", "rejected": "The sky is black"},
            {"chosen": "4", "rejected": "42"},
            "prompt",
            "there is no prompt",
        ),
        ({"text": "Once."}, {"text": ["a"]}, "text", "it is not text"),
    ],
)
def test_a_row_that_cannot_be_a_conversation_is_left_out_and_told(
    good: dict[str, Any], bad: dict[str, Any], field: str, problem: str
) -> None:
    layout = recognise_format([good, bad])
    assert layout is not None

    told = convert_row(2, bad, layout)

    assert isinstance(convert_row(1, good, layout), Conversation)
    assert isinstance(told, RowProblem)
    assert (told.row, told.field, told.problem) == (2, field, problem)
    assert told.remedy
