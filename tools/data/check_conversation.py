"""Find what is wrong with one conversation, by rules that need no model.

An error means that the row teaches something bad and is left out of training; a warning is for a
person to judge. No message repeats what stands in a row, so that personal data stays where it is.

Not covered: wrong facts; private values and attacks, which have modules of their own.
"""

from collections.abc import Iterator, Sequence

from tools.data.check_texts import Endings, check_texts
from tools.data.conversation import Conversation, Message
from tools.data.conversation_text import all_turns, answer_of, normalised_text, prompt_of
from tools.data.finding import Finding
from tools.data.row_faults import Problem, finding

_MAY_FOLLOW = {
    None: ("user",),
    "user": ("assistant",),
    "assistant": ("user", "tool"),
    "tool": ("tool", "assistant"),
}


def check_conversation(conversation: Conversation) -> list[Finding]:
    """Return what is wrong with `conversation`, each code once."""
    if conversation.segments:
        problems = [*_check_segments(conversation), *check_texts(conversation, [])]
    elif not conversation.messages:
        problems = [("no_messages", "messages", "There are no messages.")]
    else:
        endings = _endings(conversation)
        problems = [
            *_check_order(conversation, endings),
            *_check_empty(endings),
            *_check_answers(conversation, endings),
            *check_texts(conversation, endings),
        ]
    first = {code: (field, message) for code, field, message in reversed(problems)}
    codes = dict.fromkeys(code for code, _, _ in problems)
    return [finding(conversation.row, first[code][0], code, first[code][1]) for code in codes]


def _check_segments(row: Conversation) -> Iterator[Problem]:
    if not any(one.label and one.text for one in row.segments):
        yield "no_loss", "segments", "No segment is marked as one to learn."


def _endings(row: Conversation) -> Endings:
    """Return the conversation to its end: one of a plain row, two of a preference pair."""
    if not row.chosen and not row.rejected:
        return [("messages", row.messages)]
    return [
        ("chosen", row.messages + row.chosen),
        ("rejected", row.messages + row.rejected),
    ]


def _check_order(row: Conversation, endings: Endings) -> Iterator[Problem]:
    if row.plain_text and not row.chosen:
        return
    if sum(message.role == "system" for message in all_turns(row)) > 1:
        yield "several_system_messages", "messages", "There is more than one system message."
    for field, turns in endings:
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


def _check_empty(endings: Endings) -> Iterator[Problem]:
    for field, turns in endings:
        for number, message in enumerate(turns, start=1):
            if message.content.strip() or message.tool_calls:
                continue
            if number < len(turns):
                yield "empty_turn", field, f"Turn {number} is empty."
            elif message.role == "assistant":
                yield "empty_answer", field, "The answer is empty."


def _check_answers(row: Conversation, endings: Endings) -> Iterator[Problem]:
    if row.label is False:
        yield "marked_bad", "label", "The answer is marked as a bad one."
    if not any(turns[-1].role == "assistant" for _, turns in endings):
        return
    question = next((m.content for m in reversed(prompt_of(row)) if m.role == "user"), None)
    answer = normalised_text(answer_of(row))
    if question is not None and answer and answer == normalised_text(question):
        yield "answer_equals_prompt", endings[0][0], "The answer repeats the question."
