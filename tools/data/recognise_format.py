"""Recognise the format of a dataset by the shape of its first rows, with nothing to configure.

Pairs of a chosen and a rejected answer come first, then lists of messages in any column, then
columns with a prompt and an answer, then plain text. Upper and lower case of column names do not
count.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tools.data.convert_messages import is_message, is_message_list

Row = Mapping[str, object]
Format = Literal["messages", "sharegpt", "alpaca", "prompt-completion", "preference", "text"]

SAMPLE_ROWS = 50

_MESSAGES = ("messages", "conversations", "conversation", "texts")
_PROMPTS = ("instruction", "question", "query", "prompt", "article", "input")
_INPUTS = ("input", "context")
_ANSWERS = ("output", "response", "answer", "completion", "generation", "summary", "highlights")
_SYSTEM = ("system", "system_prompt")
_FITTING = (
    "messages (messages: role, content), sharegpt (conversations: from, value), "
    "alpaca (instruction, input, output), prompt-completion (prompt, completion), "
    "preference (prompt, chosen, rejected), text (text)"
)


class Layout(BaseModel):
    """A recognised format and the columns that play its parts."""

    model_config = ConfigDict(frozen=True)

    format: Format
    messages: str | None = None
    prompt: str | None = None
    input: str | None = None
    answer: str | None = None
    system: str | None = None
    history: str | None = None
    chosen: str | None = None
    rejected: str | None = None


def recognise_format(rows: Sequence[Row]) -> Layout | None:
    """Return the layout of a dataset that begins with `rows`, or None when none fits."""
    columns = _Columns(rows)
    return (
        _preference(columns)
        or _pair_of_message_lists(columns)
        or _conversation(columns)
        or _pair_of_texts(columns)
        or _plain_text(columns)
    )


def describe_unrecognised(name: str, rows: Sequence[Row]) -> str:
    """Say what the columns of `name` look like and which formats would be understood."""
    columns = _Columns(rows)
    found = ", ".join(f"{column[:40]} ({columns.shape(column)})" for column in columns.names[:12])
    more = f" and {len(columns.names) - 12} more" if len(columns.names) > 12 else ""
    return (
        f"The format of {name!r} is not recognised. Its first rows have the columns "
        f"{found or 'none'}{more}. Rename the columns to fit one of: {_FITTING}."
    )


class _Columns:
    """The columns of the first rows, and what is in them."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self.names = list(dict.fromkeys(name for row in rows for name in row))
        self._by_lower_case = {name.lower(): name for name in reversed(self.names)}

    def first(
        self, candidates: Sequence[str], fits: Callable[[object], bool], but: str | None = None
    ) -> str | None:
        """Return the first of `candidates` that is a column with a fitting value."""
        for candidate in candidates:
            name = self._by_lower_case.get(candidate)
            if name is not None and name != but and self.holds(name, fits):
                return name
        return None

    def holds(self, name: str, fits: Callable[[object], bool]) -> bool:
        """Tell whether any of the first rows has a fitting value in the column."""
        return any(fits(row.get(name)) for row in self._rows)

    def shape(self, name: str) -> str:
        """Say what kind of values the column has, without showing one."""
        values = [row[name] for row in self._rows if row.get(name) is not None]
        return _shape(values[0]) if values else "empty"


def _preference(columns: _Columns) -> Layout | None:
    chosen = columns.first(("chosen",), _is_answer)
    rejected = columns.first(("rejected",), _is_answer)
    if chosen is None or rejected is None:
        return None
    prompt = columns.first(
        ("prompt", "question", "instruction", "query"),
        lambda value: _is_text(value) or is_message_list(value),
    )
    return Layout(
        format="preference",
        prompt=prompt,
        messages=None if prompt else columns.first(_MESSAGES, is_message_list),
        input=columns.first(_INPUTS, _is_text),
        system=columns.first(_SYSTEM, _is_text),
        history=columns.first(("history",), _is_list),
        chosen=chosen,
        rejected=rejected,
    )


def _pair_of_message_lists(columns: _Columns) -> Layout | None:
    prompt = columns.first(("prompt",), is_message_list)
    completion = columns.first(("completion",), _is_answer)
    if prompt is None or completion is None:
        return None
    return Layout(format="prompt-completion", prompt=prompt, answer=completion)


def _conversation(columns: _Columns) -> Layout | None:
    others = [name.lower() for name in columns.names if not name.lower().endswith("_trace")]
    column = columns.first([*_MESSAGES, *others], is_message_list)
    if column is None:
        return None
    from_and_value = columns.holds(
        column, lambda value: is_message_list(value) and "from" in _first_of(value)
    )
    return Layout(
        format="sharegpt" if from_and_value else "messages",
        messages=column,
        system=columns.first(_SYSTEM, _is_text),
    )


def _pair_of_texts(columns: _Columns) -> Layout | None:
    prompt = columns.first(_PROMPTS, _is_text)
    answer = columns.first(_ANSWERS, _is_text)
    if prompt is None or answer is None:
        return None
    canonical = (prompt.lower(), answer.lower()) == ("prompt", "completion")
    return Layout(
        format="prompt-completion" if canonical else "alpaca",
        prompt=prompt,
        input=columns.first(_INPUTS, _is_text, but=prompt),
        answer=answer,
        system=columns.first(_SYSTEM, _is_text),
        history=columns.first(("history",), _is_list),
    )


def _plain_text(columns: _Columns) -> Layout | None:
    text = columns.first(("text",), _is_text)
    return Layout(format="text", answer=text) if text else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_list(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _is_answer(value: object) -> bool:
    return isinstance(value, str) or is_message(value) or is_message_list(value)


def _first_of(value: object) -> Mapping[str, object]:
    first = value[0] if isinstance(value, list) else None
    return first if isinstance(first, dict) else {}


def _shape(value: object) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, Mapping):
        return f"object with {', '.join(str(key)[:40] for key in list(value)[:6]) or 'nothing'}"
    if isinstance(value, list):
        # Not told any deeper: a list may be nested a thousand times.
        inner = "lists" if value and isinstance(value[0], list) else None
        return f"list of {inner or _shape(value[0])}" if value else "empty list"
    return "other"
