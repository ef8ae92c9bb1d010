"""Turn one message, or a list of them, into messages of this product.

Both spellings are read: `role` with `content`, and `from` with `value`. Content is text, null, or
a list of text parts. A list may also be spelt as JSON text, as tables do, or be an object of
lists, as some Parquet files do.

Weights and flags such as `train` count for the turns of the assistant; no other is ever learnt.

Not covered: images and audio, and parts of one message that differ in their weight; such a row is
refused with its reason.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple, get_args

from tools.data.conversation import Message, Role
from tools.data.convert_tool_calls import convert_tool_calls, spelt_calls
from tools.data.layout import Layout
from tools.data.parse_json import holds_half_pair
from tools.data.row_problem import RowRefusedError, shown

_ROLES: dict[str, Role] = {
    **{role: role for role in get_args(Role)},
    "developer": "system",
    "human": "user",
    "prompter": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "ai": "assistant",
    "function_call": "assistant",
    "tool_call": "assistant",
    "observation": "tool",
    "function": "tool",
    "function_response": "tool",
    "tool_response": "tool",
}
_CALLS = ("function_call", "tool_call")
_THOUGHTS = ("reasoning_content", "thinking", "reasoning")
_FLAGS = ("weight", "loss_weight", "train", "training")
_DETAILS = ("train_detail", "training_detail")
# The kinds of parts that are text, with the names of their content.
_PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "text": (("text", "input_text", "output_text"), ("text",)),
    "thoughts": (("thinking", "reasoning"), ("thinking", "reasoning", "text")),
}
_PLAIN = {"role", "content", "from", "value"}
_KNOWN_ROLES = "Use system, user, assistant or tool, or map the role."
_TEXT_ONLY = "Only text can be learnt. The row was left out."
_ONE_WEIGHT = "Give the whole message one weight, or write the row as segments."


class Keys(NamedTuple):
    """How the messages of a dataset are spelt beyond the usual ways."""

    role: str | None = None
    content: str | None = None
    roles: Mapping[str, Role] = {}


USUAL_KEYS = Keys()


def keys_of(layout: Layout) -> Keys:
    """Return how the messages of a layout are spelt."""
    return Keys(role=layout.role_key, content=layout.content_key, roles=layout.roles)


def is_message(value: object, keys: Keys = USUAL_KEYS) -> bool:
    """Tell whether `value` is an object with a role and content, in either spelling."""
    if not isinstance(value, Mapping):
        return False
    return bool({"role", "from", keys.role} & value.keys()) and bool(
        {"content", "value", "tool_calls", keys.content} & value.keys()
    )


def is_message_list(value: object, keys: Keys = USUAL_KEYS) -> bool:
    """Tell whether `value` is a list that begins with a message, however it is spelt."""
    items = listed(value)
    return isinstance(items, list) and bool(items) and is_message(items[0], keys)


def listed(value: object) -> object:
    """Return `value` as a list of messages if it spells one in another way, else as it is."""
    if isinstance(value, str):
        if not value.startswith(("[{", "[ {", "[\n")):
            return value
        try:
            spelt: object = json.loads(value)
            return value if holds_half_pair(value, spelt) else spelt
        except (ValueError, RecursionError):
            return value
    if isinstance(value, Mapping):
        lists = {key: inner for key, inner in value.items() if isinstance(inner, list)}
        if is_message(lists) and len({len(inner) for inner in lists.values()}) == 1:
            turns = zip(*lists.values(), strict=True)
            return [dict(zip(lists, parts, strict=True)) for parts in turns]
    return value


def convert_messages(value: object, field: str, keys: Keys = USUAL_KEYS) -> tuple[Message, ...]:
    """Return the messages that `value`, the content of the column `field`, spells.

    Raises:
        RowRefusedError: It is not a list of messages, or one of them is not text.
    """
    items = listed(value)
    if isinstance(items, Mapping):
        items = [items]
    if not isinstance(items, list) or not items:
        raise RowRefusedError(
            field, "there are no messages", "Give it a list of messages.", "not_messages"
        )
    return tuple(_message(item, field, place, keys) for place, item in enumerate(items, start=1))


def _message(item: object, field: str, place: int, keys: Keys) -> Message:
    if not isinstance(item, Mapping):
        raise RowRefusedError(
            field,
            f"message {place} is not an object",
            'Write {"role": "...", "content": "..."}.',
            "not_messages",
        )
    named = _first(item, (keys.role, "role", "from"))
    role = _role(named, field, place, keys)
    content, thoughts = _text(_first(item, (keys.content, "content", "value")), field, place)
    if role == "assistant":
        calling = isinstance(named, str) and named.strip().lower() in _CALLS
        return _said_by_assistant(item, field, place, content, thoughts, calling=calling)
    if role == "tool":
        name, identity = item.get("name"), item.get("tool_call_id")
        return Message(
            role=role,
            content=content,
            name=name if isinstance(name, str) else "",
            tool_call_id=identity if isinstance(identity, str) else "",
        )
    return Message(role=role, content=content)


def _first(item: object, names: tuple[str | None, ...]) -> object:
    if not isinstance(item, Mapping):
        return None
    return next((item[name] for name in names if name is not None and name in item), None)


def _said_by_assistant(
    item: Mapping[str, object],
    field: str,
    place: int,
    content: str,
    thoughts: str,
    *,
    calling: bool,
) -> Message:
    if item.keys() <= _PLAIN and not calling and not isinstance(item.get("content"), list):
        return Message(role="assistant", content=content)
    calls = convert_tool_calls(
        item.get("tool_calls") or item.get("function_call") or [], field, place
    )
    if calling and not calls:
        calls = spelt_calls(content, field, place)
        content = "" if calls else content
    written = _first(item, _THOUGHTS)
    return Message(
        role="assistant",
        content=content,
        reasoning_content=written if isinstance(written, str) and written else thoughts,
        tool_calls=calls,
        weight=_weight(item, field, place),
    )


def _role(name: object, field: str, place: int, keys: Keys) -> Role:
    if not isinstance(name, str) or not name.strip():
        raise RowRefusedError(field, f"message {place} has no role", _KNOWN_ROLES, "unknown_role")
    role = keys.roles.get(name.strip()) or _ROLES.get(name.strip().lower())
    if role is None:
        raise RowRefusedError(
            field,
            f"message {place} has the unknown role{shown(name)}",
            _KNOWN_ROLES,
            "unknown_role",
        )
    return role


def _weight(item: Mapping[str, object], field: str, place: int) -> float:
    """Return what a message says of its place in the loss, by a weight or a flag."""
    flags = [item[name] for name in _FLAGS if item.get(name) is not None]
    content = item.get("content")
    parts = [_first(part, _FLAGS) for part in content] if isinstance(content, list) else []
    if any(flag is not None for flag in parts):
        flags += [1 if flag is None else flag for flag in parts]
    for detail in (item.get(name) for name in _DETAILS):
        # What a detail does not cover is learnt.
        if isinstance(detail, list):
            flags += [1, *(_first(part, _FLAGS) for part in detail)]
    values = {_number(flag, field, place) for flag in flags}
    if len(values) > 1:
        raise RowRefusedError(
            field, f"message {place} has weights that differ", _ONE_WEIGHT, "bad_weight"
        )
    return values.pop() if values else 1.0


def _number(value: object, field: str, place: int) -> float:
    if isinstance(value, bool | int | float) and 0 <= value <= 100:
        return float(value)
    raise RowRefusedError(
        field,
        f"the weight of message {place} is no number from 0 to 100",
        "Write 0 to leave it out of the loss, 1 to learn it.",
        "bad_weight",
    )


def _text(content: object, field: str, place: int) -> tuple[str, str]:
    """Return the text of a message and the thoughts that stand among its parts."""
    if isinstance(content, str):
        return content, ""
    if content is None:
        return "", ""
    if not isinstance(content, list):
        raise RowRefusedError(
            field, f"the content of message {place} is not text", _TEXT_ONLY, "not_text"
        )
    parts = [_part(part, field, place) for part in content]
    texts, thoughts = ("".join(said for kind, said in parts if kind == one) for one in _PARTS)
    return texts, thoughts


def _part(part: object, field: str, place: int) -> tuple[str, str]:
    kind = part.get("type", "text") if isinstance(part, Mapping) else None
    for which, (kinds, names) in _PARTS.items():
        said = _first(part, names) if kind in kinds else None
        if isinstance(said, str):
            return which, said
    raise RowRefusedError(
        field, f"message {place} holds a part that is no text{shown(kind)}", _TEXT_ONLY, "not_text"
    )
