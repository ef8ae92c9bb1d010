"""Every format is recognised by its shape, or its columns are told."""

from pathlib import Path
from typing import Any

import pytest

from tests.tools.data.rows import ASSISTANT, USER, WORSE, imported, save_lines, text
from tools.data.conversation import Conversation, Message
from tools.data.import_dataset import import_dataset
from tools.errors import DatasetError

HUMAN = {"from": "human", "value": "Hi"}
GPT = {"from": "gpt", "value": "Hello"}
BAD = {"from": "gpt", "value": "What?"}


def turns(*texts: str, system: str | None = None) -> tuple[Message, ...]:
    """Return user and assistant in turns, after the system message."""
    roles = ("user", "assistant") * len(texts)
    first = [Message(role="system", content=system)] if system else []
    said = [Message(role=role, content=text) for role, text in zip(roles, texts, strict=False)]
    return (*first, *said)


def answer(content: str) -> tuple[Message, ...]:
    return text(content).messages


@pytest.mark.parametrize(
    ("format", "row", "messages"),
    [
        ("messages", {"messages": [USER, ASSISTANT]}, turns("Hi", "Hello")),
        ("messages", {"conversations": [USER, ASSISTANT]}, turns("Hi", "Hello")),
        ("messages", {"texts": [USER, ASSISTANT]}, turns("Hi", "Hello")),
        ("messages", {"Dialogue": [USER, ASSISTANT], "id": 3}, turns("Hi", "Hello")),
        ("messages", {"text": "Hi Hello", "messages": [USER, ASSISTANT]}, turns("Hi", "Hello")),
        ("messages", {"prompt": "Hi", "messages": [USER, ASSISTANT]}, turns("Hi", "Hello")),
        (
            "messages",
            {"agent_trace": [WORSE], "chat": [USER, ASSISTANT]},
            turns("Hi", "Hello"),
        ),
        (
            "messages",
            {"messages": [{"role": "developer", "content": "Be kind."}, USER, ASSISTANT]},
            turns("Hi", "Hello", system="Be kind."),
        ),
        (
            "messages",
            {"messages": [{"role": "system", "content": ""}, USER, ASSISTANT]},
            turns("Hi", "Hello"),
        ),
        (
            "messages",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}],
                    },
                    {"role": "Assistant", "content": None, "tool_calls": None},
                ]
            },
            turns("Hi", ""),
        ),
        ("sharegpt", {"conversations": [HUMAN, GPT]}, turns("Hi", "Hello")),
        ("sharegpt", {"messages": [HUMAN, GPT]}, turns("Hi", "Hello")),
        (
            "sharegpt",
            {"system": "Be kind.", "tools": "[]", "conversations": [HUMAN, GPT]},
            turns("Hi", "Hello", system="Be kind."),
        ),
        (
            "sharegpt",
            {
                "conversations": [
                    HUMAN,
                    {"from": "function_call", "value": "f()"},
                    {"from": "observation", "value": "7"},
                    {"from": "bot", "value": "Seven"},
                ]
            },
            (
                *turns("Hi", "f()"),
                Message(role="tool", content="7"),
                Message(role="assistant", content="Seven"),
            ),
        ),
        ("alpaca", {"instruction": "Hi", "output": "Hello"}, turns("Hi", "Hello")),
        ("alpaca", {"instruction": "Hi", "input": "", "output": "Hello"}, turns("Hi", "Hello")),
        ("alpaca", {"instruction": "Hi", "input": None, "output": "Hello"}, turns("Hi", "Hello")),
        ("alpaca", {"instruction": "Add", "input": "1 2", "output": "3"}, turns("Add\n1 2", "3")),
        (
            "alpaca",
            {"instruction": "And", "input": "", "output": "3", "history": [["1?", "1"]]},
            turns("1?", "1", "And", "3"),
        ),
        (
            "alpaca",
            {"instruction": "Hi", "output": "Hello", "system": "Be kind.", "text": "all of it"},
            turns("Hi", "Hello", system="Be kind."),
        ),
        ("alpaca", {"instruction": "Hi", "response": "Hello"}, turns("Hi", "Hello")),
        ("alpaca", {"INSTRUCTION": "Hi", "RESPONSE": "Hello"}, turns("Hi", "Hello")),
        ("alpaca", {"question": "Hi", "answer": "Hello"}, turns("Hi", "Hello")),
        (
            "alpaca",
            {"system_prompt": "Be kind.", "question": "Hi", "response": "Hello"},
            turns("Hi", "Hello", system="Be kind."),
        ),
        (
            "alpaca",
            {"instruction": "Who?", "context": "Anna.", "response": "Anna"},
            turns("Who?\nAnna.", "Anna"),
        ),
        ("alpaca", {"prompt": "Hi", "generation": "Hello"}, turns("Hi", "Hello")),
        ("alpaca", {"article": "Hi", "summary": "Hello"}, turns("Hi", "Hello")),
        ("alpaca", {"query": "Hi", "response": "Hello"}, turns("Hi", "Hello")),
        ("alpaca", {"input": "Hi", "output": "Hello"}, turns("Hi", "Hello")),
        ("prompt-completion", {"prompt": "Hi", "completion": "Hello"}, turns("Hi", "Hello")),
        (
            "prompt-completion",
            {"prompt": [USER], "completion": [ASSISTANT]},
            turns("Hi", "Hello"),
        ),
        ("text", {"text": "Once upon a time."}, answer("Once upon a time.")),
        ("text", {"text": "Once.", "label": 3}, answer("Once.")),
    ],
)
def test_every_format_is_recognised_by_its_shape(
    tmp_path: Path, format: str, row: dict[str, Any], messages: tuple[Message, ...]
) -> None:
    report, conversations = imported(tmp_path, row)

    assert (report.format, report.problem_count) == (format, 0)
    assert conversations == [Conversation(messages=messages, row=1)]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "Hi", "chosen": "Hello", "rejected": "What?"},
        {"prompt": [USER], "chosen": [ASSISTANT], "rejected": [WORSE]},
        {"chosen": [USER, ASSISTANT], "rejected": [USER, WORSE]},
        {"prompt": "Hi", "chosen": [USER, ASSISTANT], "rejected": [USER, WORSE]},
        {
            "prompt": "Hi",
            "messages": [USER, ASSISTANT],
            "chosen": [USER, ASSISTANT],
            "rejected": [USER, WORSE],
        },
        {"instruction": "Hi", "input": "", "chosen": "Hello", "rejected": "What?"},
        {"question": "Hi", "chosen": "Hello", "rejected": "What?"},
        {"conversations": [HUMAN], "chosen": GPT, "rejected": BAD},
        {"messages": [USER], "chosen": ASSISTANT, "rejected": WORSE},
        {
            "chosen": "\n\nHuman: Hi\n\nAssistant: Hello",
            "rejected": "\n\nHuman: Hi\n\nAssistant: What?",
        },
    ],
)
def test_every_kind_of_preference_pair_has_its_prompt_taken_out(
    tmp_path: Path, row: dict[str, Any]
) -> None:
    report, conversations = imported(tmp_path, row)

    assert report.format == "preference"
    assert conversations == [
        Conversation(messages=turns("Hi"), chosen=answer("Hello"), rejected=answer("What?"), row=1)
    ]


def test_a_preference_pair_keeps_its_system_message_and_history(tmp_path: Path) -> None:
    row = {
        "system": "Be kind.",
        "prompt": [USER, ASSISTANT, USER],
        "chosen": [USER, ASSISTANT],
        "rejected": [USER, WORSE],
    }

    _, conversations = imported(tmp_path, row)

    assert conversations[0].messages == turns("Hi", "Hello", "Hi", system="Be kind.")
    assert conversations[0].chosen == answer("Hello")


@pytest.mark.parametrize(
    ("shared", "prompt"),
    [
        ([USER, ASSISTANT, USER], turns("Hi", "Hello", "Hi", system="Be kind.")),
        ([ASSISTANT, USER], turns("Greeting", "Hello", "Hi", system="Be kind.")),
        (
            [{"role": "system", "content": "Be brief."}, USER],
            turns("Hi", system="Be brief."),
        ),
    ],
)
def test_what_both_answers_begin_with_belongs_to_the_prompt(
    tmp_path: Path, shared: list[dict[str, str]], prompt: tuple[Message, ...]
) -> None:
    row = {
        "system": "Be kind.",
        "prompt": "Greeting",
        "chosen": [*shared, ASSISTANT],
        "rejected": [*shared, WORSE],
    }

    _, conversations = imported(tmp_path, row)

    assert conversations == [
        Conversation(messages=prompt, chosen=answer("Hello"), rejected=answer("What?"), row=1)
    ]


def test_texts_with_a_shared_beginning_have_it_as_their_prompt(tmp_path: Path) -> None:
    row = {"chosen": "The sky is blue.", "rejected": "The sky is black."}

    _, conversations = imported(tmp_path, row)

    assert conversations == [
        Conversation(
            messages=turns("The sky is"), chosen=answer("blue."), rejected=answer("black."), row=1
        )
    ]


def test_an_unknown_format_is_answered_with_its_columns_and_with_those_that_fit(
    tmp_path: Path,
) -> None:
    row = {
        "story": "s3cret",
        "stars": 4,
        "seen": True,
        "answers": {"text": ["s3cret"]},
        "tags": ["s3cret"],
        "none": None,
        "empty": [],
        "grid": [[["s3cret"]]],
    }

    with pytest.raises(DatasetError) as refusal:
        import_dataset(save_lines(tmp_path, row), tmp_path)

    assert str(refusal.value) == (
        "The format of 'rows.jsonl' is not recognised. Its first rows have the columns "
        "story (text), stars (number), seen (true or false), answers (object with text), "
        "tags (list of text), none (empty), empty (empty list), grid (list of lists). Rename "
        "the columns to fit one of: "
        "messages (messages: role, content), sharegpt (conversations: from, value), "
        "alpaca (instruction, input, output), prompt-completion (prompt, completion), "
        "preference (prompt, chosen, rejected), unpaired preference (prompt, completion, label), "
        "stepwise (prompt, completions, labels), segments (segments: label, text), text (text). "
        "Or say which column is which."
    )


def test_many_long_column_names_make_no_long_message(tmp_path: Path) -> None:
    row = {f"{number}{'x' * 190}": 1 for number in range(500)}

    with pytest.raises(DatasetError, match="and 488 more") as refusal:
        import_dataset(save_lines(tmp_path, row), tmp_path)

    assert len(str(refusal.value)) < 1500


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
