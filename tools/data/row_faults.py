"""The faults that a row can have: their codes, what to do about each, and which are errors."""

from typing import Literal

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
    "refusal",
    "cut_off_answer",
    "wrong_encoding",
    "marked_bad",
    "no_loss",
    "placeholder",
    "very_long_row",
    "conflicting_answers",
]

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
    "refusal": "Keep it only if the model is to decline this.",
    "cut_off_answer": "Write the answer to its end, or remove the row.",
    "wrong_encoding": "Clean the dataset: what can be repaired is. Remove the row otherwise.",
    "marked_bad": "Give a good answer: supervised fine-tuning learns from every answer.",
    "no_loss": "Mark a part of the row as one to learn.",
    "placeholder": "Fill it in throughout the dataset, or remove the row.",
    "very_long_row": "Shorten it: rows longer than the recipe's max_length are not trained on.",
    "conflicting_answers": "Keep the better answer, unless both are right.",
}
_WARNINGS: set[Code] = {
    "placeholder",
    "very_long_row",
    "conflicting_answers",
    "refusal",
    "cut_off_answer",
    "wrong_encoding",
}

Problem = tuple[Code, str, str]
"""The code of a fault, the field that it stands in, and what was found."""


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
