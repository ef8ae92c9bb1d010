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
            "message 2 calls a tool",
        ),
        (
            GOOD,
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}, ASSISTANT]},
            "messages",
            "message 1 holds a part of type 'image_url'",
        ),
        (
            GOOD,
            {"messages": [{"role": "user", "content": ["Hi"]}, ASSISTANT]},
            "messages",
            "message 1 holds a part of type 'nameless'",
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
            {"prompt": "Hi", "completion": "Hello", "label": True},
            {"prompt": "Hi", "completion": "What?", "label": False},
            "label",
            "the answer is marked as a bad one",
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
