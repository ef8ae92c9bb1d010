"""Turn the columns of a row into what is said before an answer, and into the answer."""

import re
from collections.abc import Mapping

from tools.data.conversation import Message
from tools.data.convert_messages import convert_messages, keys_of, listed
from tools.data.layout import Layout, Row
from tools.data.row_problem import RowRefusedError

# How the oldest preference datasets write a whole dialogue into one text.
_SPEAKER = re.compile(r"\n\n(Human|Assistant): ?")


def prompt_turns(row: Row, layout: Layout) -> tuple[Message, ...]:
    """Return what is said before the answer: system message, history and the question.

    Raises:
        RowRefusedError: A column is missing, or does not hold what it should.
    """
    messages = _asked(row, layout)
    system = optional_text(row, layout.system) if layout.system else ""
    if not system and len(messages) == 1 and messages[0].role == "user":
        return messages
    # An empty system message says as much as none.
    messages = tuple(one for one in messages if one.role != "system" or one.content.strip())
    if system and not any(message.role == "system" for message in messages):
        return (Message(role="system", content=system), *messages)
    return messages


def answer_turns(row: Row, column: str | None, layout: Layout) -> tuple[Message, ...]:
    """Return the answer in `column`: one message, or as many as it spells.

    Raises:
        RowRefusedError: The column is missing, or is neither text nor messages.
    """
    value = row.get(column) if column else None
    if column and not isinstance(value, str) and isinstance(value, list | Mapping):
        return convert_messages(value, column, keys_of(layout))
    text = value if isinstance(value, str) else required_text(row, column)
    if column and text[:1] == "[" and isinstance(spelt := listed(text), list):
        return convert_messages(spelt, column, keys_of(layout))
    if text.startswith("\n\nHuman:"):
        speakers = _SPEAKER.split(text)
        return tuple(
            Message(role="user" if who == "Human" else "assistant", content=said)
            for who, said in zip(speakers[1::2], speakers[2::2], strict=True)
        )
    if layout.thought and (thought := optional_text(row, layout.thought)):
        return (Message(role="assistant", content=text, reasoning_content=thought),)
    return (Message(role="assistant", content=text),)


def required_text(row: Row, column: str | None) -> str:
    """Return the text of a column that every row needs.

    Raises:
        RowRefusedError: The row has no such column, or it is not text.
    """
    if column is None or column not in row:
        raise RowRefusedError(
            column or "", "the column is missing", f"Fill in `{column}`.", "missing"
        )
    return optional_text(row, column)


def optional_text(row: Row, column: str | None) -> str:
    """Return the text of a column, which is empty where the row has none.

    Raises:
        RowRefusedError: It is not text.
    """
    value = row.get(column) if column else None
    if isinstance(value, str):
        return value
    if value is not None:
        raise RowRefusedError(column or "", "it is not text", "Write it as text.", "not_text")
    return ""


def _asked(row: Row, layout: Layout) -> tuple[Message, ...]:
    if layout.messages:
        return convert_messages(row.get(layout.messages), layout.messages, keys_of(layout))
    if not layout.prompt:
        return ()
    value = row.get(layout.prompt)
    if not isinstance(value, str) or value[:1] == "[":
        value = listed(value)
        if isinstance(value, list | Mapping):
            return convert_messages(value, layout.prompt, keys_of(layout))
        value = required_text(row, layout.prompt)
    question = value
    if layout.input and (given := optional_text(row, layout.input)):
        question = f"{question}\n{given}" if question else given
    asked = Message(role="user", content=question)
    return (*_history(row, layout.history), asked) if layout.history else (asked,)


def _history(row: Row, column: str) -> tuple[Message, ...]:
    value = row.get(column)
    if value is None or value == "":
        return ()
    refusal = RowRefusedError(
        column,
        "it is not a list of pairs",
        'Write [["question", "answer"], ...].',
        "bad_history",
    )
    if not isinstance(value, list):
        raise refusal
    messages: list[Message] = []
    for pair in value:
        if not isinstance(pair, list) or [type(text) for text in pair] != [str, str]:
            raise refusal
        messages += (
            Message(role="user", content=pair[0]),
            Message(role="assistant", content=pair[1]),
        )
    return tuple(messages)
