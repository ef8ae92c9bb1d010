"""Find what is wrong with one conversation, by rules that need no model.

An error means that the row teaches something bad and is left out of training; a warning is for a
person to judge. No message repeats what stands in a row, so that personal data stays where it is.

Not covered: personal data other than e-mail addresses, wrong facts, harmful content.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from tools.data.conversation import Conversation, Message
from tools.data.conversation_text import (
    all_turns,
    answer_of,
    normalised_text,
    placeholders_in,
    prompt_of,
)
from tools.data.finding import Finding, Severity

Code = Literal[
    "no_question",
    "no_messages",
    "empty_answer",
    "empty_turn",
    "last_turn_not_assistant",
    "roles_out_of_order",
    "several_system_messages",
    "control_characters",
    "null_as_text",
    "answer_equals_prompt",
    "personal_data",
    "placeholder",
    "very_long_row",
    "conflicting_answers",
]

LONG_ROW_CHARACTERS = 32_000

_REMEDIES: dict[Code, str] = {
    "no_question": "Write the question before it, or leave the row out.",
    "no_messages": "Give the row a question and an answer, or remove it.",
    "empty_answer": "Write the answer, or remove the row.",
    "empty_turn": "Write the turn, or remove it.",
    "last_turn_not_assistant": "End the conversation with the answer to learn.",
    "roles_out_of_order": "Begin with the user and let user and assistant take turns.",
    "several_system_messages": "Put them together into one system message.",
    "control_characters": "Remove the characters that cannot be seen.",
    "null_as_text": "Write the answer, or remove the row.",
    "answer_equals_prompt": "Write an answer that differs from the question.",
    "personal_data": "Replace the address, for example by 'the support address'.",
    "placeholder": "Fill it in throughout the dataset, or remove the row.",
    "very_long_row": "Shorten it: rows longer than the recipe's max_length are not trained on.",
    "conflicting_answers": "Keep the better answer, unless both are right.",
}
_WARNINGS = {"placeholder", "very_long_row", "conflicting_answers"}
_MAY_FOLLOW = {
    None: ("user",),
    "user": ("assistant",),
    "assistant": ("user", "tool"),
    "tool": ("tool", "assistant"),
}
_NULLS = {"nan", "null", "none", "n/a", "#n/a", "undefined"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# One character before the @ is enough, and keeps the search linear on long runs of letters.
_EMAIL = re.compile(r"[\w.%+-]@[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}\.[^\W\d_]{2,24}\b")


def finding(row: int, field: str, code: Code, message: str) -> Finding:
    """Return a finding with the severity and the remedy of its code."""
    severity: Severity = "warning" if code in _WARNINGS else "error"
    return Finding(
        row=row,
        field=field,
        severity=severity,
        code=code,
        message=message,
        remedy=_REMEDIES[code],
    )


def check_conversation(conversation: Conversation) -> list[Finding]:
    """Return what is wrong with `conversation`, each code once."""
    if not conversation.messages:
        return [finding(conversation.row, "messages", "no_messages", "There are no messages.")]
    problems: dict[Code, tuple[str, str]] = {}
    checks = (_check_order, _check_answers, _check_texts)
    for check in checks:
        for code, field, message in check(conversation):
            problems.setdefault(code, (field, message))
    return [
        finding(conversation.row, field, code, message)
        for code, (field, message) in problems.items()
    ]


_Problem = tuple[Code, str, str]


def _endings(row: Conversation) -> list[tuple[str, tuple[Message, ...]]]:
    """Return the conversation to its end: one of a plain row, two of a preference pair."""
    if not row.chosen and not row.rejected:
        return [("messages", row.messages)]
    return [
        ("chosen", row.messages + row.chosen),
        ("rejected", row.messages + row.rejected),
    ]


def _check_order(row: Conversation) -> Iterator[_Problem]:
    if row.plain_text and not row.chosen:
        return
    if sum(message.role == "system" for message in all_turns(row)) > 1:
        yield "several_system_messages", "messages", "There is more than one system message."
    for field, turns in _endings(row):
        if turns[-1].role != "assistant":
            yield (
                "last_turn_not_assistant",
                field,
                f"The last turn is of the role {turns[-1].role}.",
            )
        wrong = _first_out_of_order(turns)
        if wrong:
            yield "roles_out_of_order", field, f"Turn {wrong} is not the turn of its role."


def _first_out_of_order(turns: Sequence[Message]) -> int | None:
    before: str | None = None
    for number, message in enumerate(turns, start=1):
        if message.role == "system" and before is None:
            continue
        if message.role not in _MAY_FOLLOW[before]:
            return number
        before = message.role
    return None


def _check_answers(row: Conversation) -> Iterator[_Problem]:
    question = next((m.content for m in reversed(prompt_of(row)) if m.role == "user"), None)
    for field, turns in _endings(row):
        if turns[-1].role != "assistant":
            return
        answer = turns[-1].content
        if not answer.strip():
            yield "empty_answer", field, "The answer is empty."
        if answer.strip().lower() in _NULLS:
            yield "null_as_text", field, "The answer is a word for nothing, such as null or nan."
    answer = normalised_text(answer_of(row))
    if question is not None and answer and answer == normalised_text(question):
        yield "answer_equals_prompt", _endings(row)[0][0], "The answer repeats the question."


def _check_texts(row: Conversation) -> Iterator[_Problem]:
    for field, turns in _endings(row):
        for number, message in enumerate(turns, start=1):
            if number < len(turns) and not message.content.strip():
                yield "empty_turn", field, f"Turn {number} is empty."
            if _CONTROL.search(message.content):
                yield "control_characters", field, f"Turn {number} holds control characters."
            if _EMAIL.search(message.content):
                yield "personal_data", field, f"Turn {number} holds an e-mail address."
    names = sorted(placeholders_in(row))
    if names:
        yield "placeholder", "messages", f"Not filled in: {', '.join(names[:5])}."
    characters = sum(len(message.content) for message in all_turns(row))
    if characters > LONG_ROW_CHARACTERS:
        yield "very_long_row", "messages", f"The row has {characters:,} characters."
