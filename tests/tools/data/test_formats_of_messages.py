"""What messages become in every spelling: calls of tools, thoughts, weights and other shapes."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tests.tools.data.rows import (
    ASSISTANT,
    KIND,
    REPLY,
    SAID,
    SYSTEM,
    USER,
    imported,
    load_version,
)
from tools.data.conversation import Conversation, Message, ToolCall
from tools.data.import_dataset import import_dataset

CALL = ToolCall(name="weather", arguments={"city": "Bonn"}, id="c1")


def calling(arguments: object) -> dict[str, Any]:
    function = {"name": "weather", "arguments": arguments}
    call = {"id": "c1", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def answered(call: ToolCall) -> tuple[Message, ...]:
    return (
        SAID,
        Message(role="assistant", content="", tool_calls=(call,)),
        Message(role="tool", content="Rain", tool_call_id="c1", name="weather"),
        Message(role="assistant", content="It rains."),
    )


RAIN = [
    {"role": "tool", "content": "Rain", "tool_call_id": "c1", "name": "weather"},
    {"role": "assistant", "content": "It rains."},
]


@pytest.mark.parametrize(
    ("format", "row", "conversation"),
    [
        # Calls of tools: arguments as an object, as JSON text, without any, and in the old way.
        ("messages", {"messages": [USER, calling({"city": "Bonn"}), *RAIN]}, answered(CALL)),
        ("messages", {"messages": [USER, calling('{"city": "Bonn"}'), *RAIN]}, answered(CALL)),
        (
            "messages",
            {"messages": [USER, calling({"city": "Bonn", "zip": None}), *RAIN]},
            answered(CALL),
        ),
        (
            "messages",
            {"messages": [USER, calling(""), *RAIN]},
            answered(ToolCall(name="weather", arguments={}, id="c1")),
        ),
        (
            "messages",
            {
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "content": "Wait.",
                        "function_call": {"name": "f", "arguments": "{}"},
                    },
                    {"role": "function", "name": "f", "content": "7"},
                ]
            },
            (
                SAID,
                Message(
                    role="assistant",
                    content="Wait.",
                    tool_calls=(ToolCall(name="f", arguments={}),),
                ),
                Message(role="tool", content="7", name="f"),
            ),
        ),
        # Thoughts, under each of their names.
        *(
            (
                "messages",
                {"messages": [USER, {**ASSISTANT, name: "Greet back."}]},
                (SAID, REPLY.model_copy(update={"reasoning_content": "Greet back."})),
            )
            for name in ("reasoning_content", "thinking", "reasoning")
        ),
        (
            "messages",
            {
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "thinking", "thinking": "Greet back."},
                            {"type": "text", "text": "Hello"},
                        ],
                    },
                ]
            },
            (SAID, REPLY.model_copy(update={"reasoning_content": "Greet back."})),
        ),
        (
            "messages",
            {"messages": [USER, {**ASSISTANT, "content": "<think>Greet.</think>Hello"}]},
            (SAID, Message(role="assistant", content="<think>Greet.</think>Hello")),
        ),
        # Weights and flags; a user's is never learnt, whatever is said of it.
        *(
            (
                "messages",
                {"messages": [{**USER, "train": True}, {**ASSISTANT, name: value}]},
                (SAID, REPLY.model_copy(update={"weight": weight})),
            )
            for name, value, weight in [
                ("weight", 0, 0.0),
                ("weight", 1, 1.0),
                ("train", False, 0.0),
                ("training", False, 0.0),
                ("loss_weight", 0.5, 0.5),
                ("weight", None, 1.0),
                ("train_detail", [{"begin_offset": 0, "end_offset": 4, "train": True}], 1.0),
            ]
        ),
        (
            "messages",
            {
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "text", "text": "Hel", "weight": 0},
                            {"type": "text", "text": "lo", "weight": 0},
                        ],
                    },
                ]
            },
            (SAID, REPLY.model_copy(update={"weight": 0.0})),
        ),
        # A list spelt as JSON text, as tables do, or as an object of lists, as Parquet may.
        ("messages", {"messages": json.dumps([USER, ASSISTANT])}, (SAID, REPLY)),
        (
            "sharegpt",
            {"conversations": {"from": ["human", "gpt"], "value": ["Hi", "Hello"]}},
            (SAID, REPLY),
        ),
        # ShareGPT by name, messages by content.
        ("messages", {"conversations": [SYSTEM, USER, ASSISTANT]}, (KIND, SAID, REPLY)),
        (
            "harmony",
            {
                "reasoning_language": "English",
                "developer": "Be kind.",
                "user": "Hi",
                "analysis": "Greet back.",
                "final": "Hello",
            },
            (KIND, SAID, REPLY.model_copy(update={"reasoning_content": "Greet back."})),
        ),
        (
            "messages",
            {
                "reasoning_language": "English",
                "developer": "Be kind.",
                "user": "Hi",
                "analysis": "Greet back.",
                "final": "Hello",
                "messages": [SYSTEM, USER, {**ASSISTANT, "thinking": "Greet back."}],
            },
            (KIND, SAID, REPLY.model_copy(update={"reasoning_content": "Greet back."})),
        ),
        (
            "alpaca",
            {"Question": "Hi", "Complex_CoT": "Greet back.", "Response": "Hello"},
            (SAID, REPLY.model_copy(update={"reasoning_content": "Greet back."})),
        ),
        (
            "question-answer",
            {"summary": "A chat.", "qa_pairs": [{"question": "Hi", "answer": "Hello"}]},
            (SAID, REPLY),
        ),
    ],
)
def test_messages_come_out_whole(
    tmp_path: Path, format: str, row: dict[str, Any], conversation: tuple[Message, ...]
) -> None:
    report, conversations = imported(tmp_path, row)

    assert (report.format, report.problems) == (format, ())
    assert conversations == [Conversation(messages=conversation, row=1)]


def test_arguments_that_parquet_has_filled_with_nulls_are_as_they_were(tmp_path: Path) -> None:
    calls = [{"city": "Bonn"}, {"street": "High St"}]
    rows = [{"messages": [USER, calling(arguments)]} for arguments in calls]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")

    report = import_dataset(tmp_path / "rows.parquet", tmp_path)

    made = load_version(tmp_path, report.dataset)
    assert [one.messages[-1].tool_calls[0].arguments for one in made] == calls
