"""Turn one row of a recognised dataset into a conversation, or say why it cannot be one.

A question with an answer becomes a user and an assistant turn; plain text becomes a single
assistant message; a preference pair becomes the shared prompt with its two continuations.
"""

import re
from collections.abc import Callable, Mapping
from itertools import takewhile

from tools.data.conversation import Conversation, Message
from tools.data.convert_messages import convert_messages
from tools.data.recognise_format import Format, Layout
from tools.data.row_problem import RowProblem, RowRefusedError

Row = Mapping[str, object]

# How the oldest preference datasets write a whole dialogue into one text.
_SPEAKER = re.compile(r"\n\n(Human|Assistant): ?")


def convert_row(number: int, row: Row, layout: Layout) -> Conversation | RowProblem:
    """Return row `number` as a conversation, or what is wrong with it."""
    try:
        return _CONVERTERS[layout.format](number, row, layout)
    except RowRefusedError as refused:
        return RowProblem(
            row=number, field=refused.field, problem=refused.problem, remedy=refused.remedy
        )


def _from_messages(number: int, row: Row, layout: Layout) -> Conversation:
    return Conversation(messages=_prompt(row, layout), row=number)


def _from_text(number: int, row: Row, layout: Layout) -> Conversation:
    message = Message(role="assistant", content=_required(row, layout.answer))
    return Conversation(messages=(message,), row=number)


def _from_pair(number: int, row: Row, layout: Layout) -> Conversation:
    if layout.format == "prompt-completion" and row.get("label") is False:
        raise RowRefusedError(
            "label", "the answer is marked as a bad one", "Only good answers are learnt."
        )
    answer = _continuation(row, layout.answer)
    return Conversation(messages=_prompt(row, layout) + answer, row=number)


def _from_preference(number: int, row: Row, layout: Layout) -> Conversation:
    chosen, rejected = _continuation(row, layout.chosen), _continuation(row, layout.rejected)
    if chosen == rejected:
        raise RowRefusedError(
            "rejected", "both answers are the same", "Give two answers that differ."
        )
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    prompt = _joined(_prompt(row, layout), chosen[:shared])
    if not prompt:
        return _from_texts_with_shared_beginning(number, chosen[-1].content, rejected[-1].content)
    return Conversation(
        messages=prompt, chosen=chosen[shared:], rejected=rejected[shared:], row=number
    )


def _from_texts_with_shared_beginning(number: int, chosen: str, rejected: str) -> Conversation:
    equal = takewhile(lambda pair: pair[0] == pair[1], zip(chosen, rejected, strict=False))
    # Cut between words: "4" and "42" share a digit, not a prompt.
    prompt = re.sub(r"\S+\Z", "", "".join(one for one, _ in equal))
    if not prompt.strip():
        raise RowRefusedError("prompt", "there is no prompt", "Add a column `prompt`.")
    return Conversation(
        messages=(Message(role="user", content=prompt.strip()),),
        chosen=(Message(role="assistant", content=chosen[len(prompt) :]),),
        rejected=(Message(role="assistant", content=rejected[len(prompt) :]),),
        row=number,
    )


def _joined(prompt: tuple[Message, ...], shared: tuple[Message, ...]) -> tuple[Message, ...]:
    """Put together the prompt of its own column and the beginning both answers share."""
    if not shared or prompt[-len(shared) :] == shared:
        return prompt
    if shared[0].role == "assistant":
        return prompt + shared
    # The answers hold the whole conversation, and say more than a column with its first question.
    spoken = tuple(message for message in shared if message.role != "system")
    system = tuple(message for message in shared + prompt if message.role == "system")
    return system[:1] + spoken


def _prompt(row: Row, layout: Layout) -> tuple[Message, ...]:
    """Return what is said before the answer: system message, history and the question."""
    value = row.get(layout.prompt) if layout.prompt else None
    if layout.messages:
        messages = convert_messages(row.get(layout.messages), layout.messages)
    elif layout.prompt and isinstance(value, list | Mapping):
        messages = convert_messages(value, layout.prompt)
    elif layout.prompt:
        parts = [_required(row, layout.prompt), _text(row, layout.input)]
        question = "\n".join(part for part in parts if part)
        messages = (*_history(row, layout.history), Message(role="user", content=question))
    else:
        messages = ()
    # An empty system message says as much as none.
    messages = tuple(one for one in messages if one.role != "system" or one.content.strip())
    system = _text(row, layout.system)
    if system and not any(message.role == "system" for message in messages):
        return (Message(role="system", content=system), *messages)
    return messages


def _history(row: Row, column: str | None) -> tuple[Message, ...]:
    value = row.get(column) if column else None
    if column is None or value is None:
        return ()
    refusal = RowRefusedError(
        column, "it is not a list of pairs", 'Write [["question", "answer"], ...].'
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


def _continuation(row: Row, column: str | None) -> tuple[Message, ...]:
    value = row.get(column) if column else None
    if column and isinstance(value, list | Mapping):
        return convert_messages(value, column)
    text = _required(row, column)
    speakers = _SPEAKER.split(text)
    if text.startswith("\n\nHuman:") and len(speakers) > 1:
        return tuple(
            Message(role="user" if who == "Human" else "assistant", content=said)
            for who, said in zip(speakers[1::2], speakers[2::2], strict=True)
        )
    return (Message(role="assistant", content=text),)


def _required(row: Row, column: str | None) -> str:
    if column is None or column not in row:
        raise RowRefusedError(column or "", "the column is missing", f"Fill in `{column}`.")
    return _text(row, column)


def _text(row: Row, column: str | None) -> str:
    value = row.get(column) if column else None
    if value is None:
        return ""
    if not isinstance(value, str):
        raise RowRefusedError(column or "", "it is not text", "Write it as text.")
    return value


_CONVERTERS: dict[Format, Callable[[int, Row, Layout], Conversation]] = {
    "messages": _from_messages,
    "sharegpt": _from_messages,
    "alpaca": _from_pair,
    "prompt-completion": _from_pair,
    "preference": _from_preference,
    "text": _from_text,
}
