"""Shorten a conversation for showing, so that an answer stays small whatever a row holds.

Not covered: a conversation to learn from. What is cut here is cut for the eye alone.
"""

import json
from collections.abc import Callable, Mapping

from pydantic import JsonValue

from tools.data.conversation import Conversation, Message
from tools.data.conversation_text import with_texts

SHOWN_CHARACTERS = 500
_SHOWN_PARTS = 50
_CUT = " ..."


def shorten(conversation: Conversation) -> Conversation:
    """Return the first 50 parts of `conversation`, with 500 characters of each text."""
    parts = ("messages", "chosen", "rejected", "segments", "steps", "tools")
    few: dict[str, object] = {name: getattr(conversation, name)[:_SHOWN_PARTS] for name in parts}
    shown = conversation.model_copy(update=few)
    turns = {name: tuple(map(_turn, getattr(shown, name))) for name in parts[:3]}
    beside = {"tools": tuple(map(_object, shown.tools)), "extra": _object(shown.extra)}
    return with_texts(shown.model_copy(update={**turns, **beside}), cut)


def cut(text: str) -> str:
    """Return the beginning of `text`."""
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + _CUT


def spelt(value: object, default: Callable[[object], object] | None = None) -> str:
    """Return the beginning of what `value` is in JSON; nothing where it cannot be spelt."""
    try:
        return cut(json.dumps(value, ensure_ascii=False, default=default))
    except (TypeError, ValueError, RecursionError):
        return ""


def _turn(message: Message) -> Message:
    calls = tuple(
        call.model_copy(update={"name": cut(call.name), "arguments": _object(call.arguments)})
        for call in message.tool_calls[:_SHOWN_PARTS]
    )
    names = {"name": cut(message.name), "tool_call_id": cut(message.tool_call_id)}
    return message.model_copy(update={"tool_calls": calls, **names})


def _object(given: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {cut(name): _value(given[name]) for name in list(given)[:_SHOWN_PARTS]}


def _value(value: JsonValue) -> JsonValue:
    text = value if isinstance(value, str) else spelt(value)
    return value if len(text) <= SHOWN_CHARACTERS else text
