"""Turn one message, or a list of them, into messages of this product.

Both spellings are read: `role` with `content`, and `from` with `value`. Content is text, null, or
a list of text parts.

Not covered: images, audio and calls of tools; such a row is refused with its reason.
"""

from collections.abc import Mapping
from typing import get_args

from tools.data.conversation import Message, Role
from tools.data.row_problem import RowRefusedError

_ROLES: dict[str, Role] = {
    **{role: role for role in get_args(Role)},
    "developer": "system",
    "human": "user",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "function_call": "assistant",
    "observation": "tool",
    "function_response": "tool",
}
_KNOWN_ROLES = "Use system, user, assistant or tool."
_TEXT_ONLY = "Only text can be learnt. The row was left out."


def is_message(value: object) -> bool:
    """Tell whether `value` is an object with a role and content, in either spelling."""
    if not isinstance(value, Mapping):
        return False
    return bool({"role", "from"} & value.keys()) and bool(
        {"content", "value", "tool_calls"} & value.keys()
    )


def is_message_list(value: object) -> bool:
    """Tell whether `value` is a list that begins with a message."""
    return isinstance(value, list) and bool(value) and is_message(value[0])


def convert_messages(value: object, field: str) -> tuple[Message, ...]:
    """Return the messages that `value`, the content of the column `field`, spells.

    Raises:
        RowRefusedError: It is not a list of messages, or one of them is not text.
    """
    items = [value] if isinstance(value, Mapping) else value
    if not isinstance(items, list) or not items:
        raise RowRefusedError(field, "there are no messages", "Give it a list of messages.")
    return tuple(_message(item, field, place) for place, item in enumerate(items, start=1))


def _message(item: object, field: str, place: int) -> Message:
    if not isinstance(item, Mapping):
        raise RowRefusedError(
            field,
            f"message {place} is not an object",
            'Write {"role": "...", "content": "..."}.',
        )
    if item.get("tool_calls") or item.get("function_call"):
        raise RowRefusedError(field, f"message {place} calls a tool", _TEXT_ONLY)
    role = _role(item.get("role", item.get("from")), field, place)
    content = item.get("content", item.get("value"))
    return Message(role=role, content=_text(content, field, place))


def _role(name: object, field: str, place: int) -> Role:
    if not isinstance(name, str) or not name.strip():
        raise RowRefusedError(field, f"message {place} has no role", _KNOWN_ROLES)
    role = _ROLES.get(name.strip().lower())
    if role is None:
        raise RowRefusedError(
            field, f"message {place} has the unknown role {name[:40]!r}", _KNOWN_ROLES
        )
    return role


def _text(content: object, field: str, place: int) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise RowRefusedError(field, f"the content of message {place} is not text", _TEXT_ONLY)
    return "".join(_part(part, field, place) for part in content)


def _part(part: object, field: str, place: int) -> str:
    kind = part.get("type", "text") if isinstance(part, Mapping) else "nameless"
    text = part.get("text") if isinstance(part, Mapping) else None
    if kind != "text" or not isinstance(text, str):
        raise RowRefusedError(
            field, f"message {place} holds a part of type {str(kind)[:40]!r}", _TEXT_ONLY
        )
    return text
