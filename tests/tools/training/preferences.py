"""Rows that say which answer is better, made on the spot."""

from collections.abc import Sequence

from tests.colours import WORDS
from tools.data.conversation import Conversation, Message


def pairs(count: int) -> list[Conversation]:
    """Return questions whose chosen answer says the word, and whose rejected one another."""
    return [
        Conversation(
            messages=(_turn("user", f"Row {row}: say {_word(row)}."),),
            chosen=(_turn("assistant", _word(row)),),
            rejected=(_turn("assistant", _word(row + 1)),),
            row=row,
        )
        for row in range(1, count + 1)
    ]


def judged(count: int) -> list[Conversation]:
    """Return questions with an answer each, of which every other one is bad."""
    return [
        Conversation(
            messages=(
                _turn("user", f"Row {row}: say {_word(row)}."),
                _turn("assistant", _word(row + row % 2)),
            ),
            label=row % 2 == 0,
            row=row,
        )
        for row in range(1, count + 1)
    ]


def rows_for(method: str, answers: Sequence[Conversation]) -> list[Conversation]:
    """Return as many rows as `answers`, of the kind that `method` learns from."""
    if method in ("sft", "grpo"):
        return list(answers)
    return judged(len(answers)) if method == "kto" else pairs(len(answers))


def _word(row: int) -> str:
    return WORDS[row % len(WORDS)]


def _turn(role: str, content: str) -> Message:
    return Message.model_validate({"role": role, "content": content})
