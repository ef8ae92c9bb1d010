"""What every format becomes, whole, with the traps that its users know."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tests.tools.data.rows import ASSISTANT, USER, imported, load_version
from tools.data.conversation import Conversation, Message, Segment, Step, ToolCall
from tools.data.import_dataset import import_dataset

SYSTEM = {"role": "system", "content": "Be kind."}
SAID = Message(role="user", content="Hi")
REPLY = Message(role="assistant", content="Hello")
KIND = Message(role="system", content="Be kind.")
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object"}},
}
CALL = ToolCall(name="weather", arguments={"city": "Bonn"}, id="c1")


def whole(*messages: Message, **beside: Any) -> Conversation:
    return Conversation(messages=messages, row=1, **beside)


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
GROUP = hashlib.sha256(b"7").hexdigest()[:16]
PASSAGE = "The town of Bonn lies on the river Rhine, south of Cologne."


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
    assert conversations == [whole(*conversation)]


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


def test_arguments_that_parquet_has_filled_with_nulls_are_as_they_were(tmp_path: Path) -> None:
    calls = [{"city": "Bonn"}, {"street": "High St"}]
    rows = [{"messages": [USER, calling(arguments)]} for arguments in calls]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")

    report = import_dataset(tmp_path / "rows.parquet", tmp_path)

    made = load_version(tmp_path, report.dataset)
    assert [one.messages[-1].tool_calls[0].arguments for one in made] == calls


@pytest.mark.parametrize(
    ("row", "confidence", "others"),
    [
        ({"messages": [USER, ASSISTANT]}, 1.0, ()),
        ({"dialog": [USER, ASSISTANT]}, 0.9, ()),
        ({"instruction": "Hi", "output": "Hello"}, 1.0, ()),
        ({"query": "Hi", "highlights": "Hello"}, 0.9, ()),
        ({"prompt": "Hi", "answer": "42"}, 0.9, ("prompt-only",)),
        ({"messages": [USER, ASSISTANT], "label": 1}, 0.8, ("messages",)),
        ({"text": "Once.", "messages": [USER, ASSISTANT]}, 1.0, ("text",)),
        ({"prompt": "Hi"}, 0.7, ()),
    ],
)
def test_how_sure_a_format_is_depends_on_how_telling_its_columns_are(
    tmp_path: Path, row: dict[str, Any], confidence: float, others: tuple[str, ...]
) -> None:
    report, _ = imported(tmp_path, row)

    assert (report.confidence, report.layout.other_possibilities) == (confidence, others)


def test_how_sure_a_format_is_falls_with_the_rows_that_do_not_fit(tmp_path: Path) -> None:
    good = {"messages": [USER, ASSISTANT]}

    report, _ = imported(tmp_path, good, good, good, {"messages": "Hi"})

    assert report.confidence == 0.75
