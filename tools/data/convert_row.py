"""Turn one row of a recognised dataset into a conversation, or say why it cannot be one.

A question with an answer becomes a user and an assistant turn; plain text becomes a single
assistant message; a preference pair becomes the shared prompt with its two continuations. A bad
answer that is marked as one is kept with its mark.
"""

import hashlib
from collections.abc import Callable

from pydantic import JsonValue

from tools.counted import counted
from tools.data.conversation import Conversation, Message, Segment, Step
from tools.data.convert_preference import convert_preference
from tools.data.convert_tool_calls import convert_tools, json_object
from tools.data.convert_turns import answer_turns, prompt_turns, required_text
from tools.data.layout import Format, Layout, Row
from tools.data.row_problem import RowProblem, RowRefusedError

PASSAGE_COLUMNS = ("context", "passage", "document", "source_text", "article")
_PASSAGE_CHARACTERS = 40  # shorter, it is a remark and not a passage
_GROUP_DIGITS = 16
# More are no conversation, and each takes a hundred times its shortest spelling in memory.
MAXIMUM_PARTS = 10_000
_TRUTHS: dict[object, bool] = {
    True: True,  # and 1
    False: False,  # and 0
    "true": True,
    "false": False,
    "1": True,
    "0": False,
}


def convert_row(number: int, row: Row, layout: Layout) -> Conversation | RowProblem:
    """Return row `number` as a conversation, or what is wrong with it."""
    try:
        conversation = _CONVERTERS[layout.format](number, row, layout)
        beside = _beside(row, layout)
        _refuse_too_many(conversation)
    except RowRefusedError as refused:
        return refused.in_row(number)
    return conversation.model_copy(update=beside) if beside else conversation


def truth(value: object) -> bool | None:
    """Return the truth that a label spells, or None where it spells none."""
    if isinstance(value, str):
        return _TRUTHS.get(value.strip().lower())
    return _TRUTHS.get(value) if isinstance(value, bool | int | float) else None


def group_of(row: Row, column: str | None) -> str:
    """Return what rows of one document or conversation have in common, or an empty text."""
    value = row.get(column) if column else None
    if column is None or not isinstance(value, str | int) or value == "":
        return ""
    text = str(value).strip()
    if column.lower() in PASSAGE_COLUMNS and len(text) < _PASSAGE_CHARACTERS:
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:_GROUP_DIGITS]


def _refuse_too_many(one: Conversation) -> None:
    answers = len(one.chosen) + len(one.rejected)
    if len(one.messages) + answers + len(one.segments) + len(one.steps) > MAXIMUM_PARTS:
        raise RowRefusedError(
            "", f"it has more than {MAXIMUM_PARTS:,} messages or parts", "Split it.", "too_long"
        )


def _beside(row: Row, layout: Layout) -> dict[str, object]:
    """Return what a row says beside its messages."""
    beside: dict[str, object] = {}
    if layout.group and (group := group_of(row, layout.group)):
        beside["group"] = group
    if layout.tools and (tools := convert_tools(row.get(layout.tools), layout.tools)):
        beside["tools"] = tools
    return beside


def _from_messages(number: int, row: Row, layout: Layout) -> Conversation:
    return Conversation(messages=prompt_turns(row, layout), row=number)


def _from_text(number: int, row: Row, layout: Layout) -> Conversation:
    message = Message(role="assistant", content=required_text(row, layout.answer))
    return Conversation(messages=(message,), row=number)


def _from_pair(number: int, row: Row, layout: Layout) -> Conversation:
    answer = answer_turns(row, layout.answer, layout)
    return Conversation(messages=prompt_turns(row, layout) + answer, row=number)


def _from_labelled(number: int, row: Row, layout: Layout) -> Conversation:
    label = truth(row.get(layout.label)) if layout.label else None
    if label is None:
        raise RowRefusedError(
            layout.label or "label",
            "it does not say whether the answer is a good one",
            "Write true or false.",
            "bad_label",
        )
    answer = answer_turns(row, layout.answer, layout) if layout.answer else ()
    return Conversation(messages=prompt_turns(row, layout) + answer, label=label, row=number)


def _from_steps(number: int, row: Row, layout: Layout) -> Conversation:
    steps, labels = _list(row, layout.steps), _list(row, layout.step_labels)
    if len(steps) != len(labels) or not steps:
        raise RowRefusedError(
            layout.step_labels or "labels",
            f"there are {counted(len(steps), 'step')} and {counted(len(labels), 'label')}",
            "Give every step one label.",
            "bad_steps",
        )
    marked = []
    for place, (text, label) in enumerate(zip(steps, labels, strict=True), start=1):
        right = truth(label)
        if not isinstance(text, str) or right is None:
            raise RowRefusedError(
                layout.steps or "completions",
                f"step {place} is not a text with true or false",
                "Write texts, and as many labels that are true or false.",
                "bad_steps",
            )
        marked.append(Step(text=text, label=right))
    return Conversation(messages=prompt_turns(row, layout), steps=tuple(marked), row=number)


def _from_segments(number: int, row: Row, layout: Layout) -> Conversation:
    segments = []
    for place, item in enumerate(_list(row, layout.segments), start=1):
        text = item.get("text") if isinstance(item, dict) else None
        label = truth(item.get("label")) if isinstance(item, dict) else None
        if not isinstance(text, str) or label is None:
            raise RowRefusedError(
                layout.segments or "segments",
                f"segment {place} is not a text with a label",
                'Write {"text": "...", "label": true}.',
                "bad_segments",
            )
        segments.append(Segment(text=text, label=label))
    if not segments:
        raise RowRefusedError(
            layout.segments or "segments",
            "there are no segments",
            'Write a list of {"text": "...", "label": true}.',
            "bad_segments",
        )
    return Conversation(segments=tuple(segments), row=number)


def _from_prompt(number: int, row: Row, layout: Layout) -> Conversation:
    used = {layout.prompt, layout.system, layout.tools, layout.group, layout.input}
    others = {
        name: value
        for name, value in row.items()
        if name not in used and not isinstance(value, bytes)
    }
    extra: dict[str, JsonValue] = json_object(others, "") if others else {}
    return Conversation(messages=prompt_turns(row, layout), extra=extra, row=number)


def _list(row: Row, column: str | None) -> list[object]:
    value = row.get(column) if column else None
    if not isinstance(value, list):
        raise RowRefusedError(
            column or "",
            "it is not a list",
            "Write a list.",
            "bad_steps" if column != "segments" else "bad_segments",
        )
    return value


_CONVERTERS: dict[Format, Callable[[int, Row, Layout], Conversation]] = {
    "messages": _from_messages,
    "sharegpt": _from_messages,
    "alpaca": _from_pair,
    "prompt-completion": _from_pair,
    "question-answer": _from_pair,
    "harmony": _from_pair,
    "chained": _from_pair,
    "preference": convert_preference,
    "unpaired-preference": _from_labelled,
    "stepwise": _from_steps,
    "prompt-only": _from_prompt,
    "segments": _from_segments,
    "text": _from_text,
}
