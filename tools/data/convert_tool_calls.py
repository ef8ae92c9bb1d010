"""Turn calls of tools, and the tools of a row, into those of this product.

Arguments may be an object or JSON text that spells one. In tables, an absent argument stands as
null; it is left out, as a missing one says the same.
"""

import json
import math
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal

from pydantic import JsonValue, TypeAdapter, ValidationError

from tools.data.conversation import ToolCall
from tools.data.row_problem import RowRefusedError

MAXIMUM_DEPTH = 32
_SHAPE = 'Write {"name": "...", "arguments": {...}}.'
_OBJECT = TypeAdapter(dict[str, JsonValue])


def convert_tool_calls(value: object, field: str, place: int) -> tuple[ToolCall, ...]:
    """Return the calls in `value`: one call or a list of them, in any of the usual spellings.

    Raises:
        RowRefusedError: One of them has no name, or its arguments are no object.
    """
    items = value if isinstance(value, list) else [value]
    return tuple(_call(item, field, place) for item in items if item is not None)


def spelt_calls(text: str, field: str, place: int) -> tuple[ToolCall, ...]:
    """Return the calls that a text spells as JSON; none where it is some other text."""
    if not text.lstrip().startswith(("{", "[")):
        return ()
    value = _json(text)
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, dict) and _is_call(item) for item in items):
        return ()
    return convert_tool_calls(items, field, place)


def convert_tools(value: object, field: str) -> tuple[dict[str, JsonValue], ...]:
    """Return the tools that a column spells, as JSON text or as a list, in OpenAI's shape.

    Raises:
        RowRefusedError: It is neither, or one of them is no object with a name.
    """
    if isinstance(value, str):
        value = _json(value) if value.strip() else None
        if value is None:
            return ()
        if isinstance(value, _NotJson):
            raise RowRefusedError(field, "it is not JSON", _TOOLS, "bad_tools")
    if value is None:
        return ()
    items = [value] if isinstance(value, Mapping) else value
    if not isinstance(items, list):
        raise RowRefusedError(field, "it is not a list of tools", _TOOLS, "bad_tools")
    return tuple(_tool(item, field, place) for place, item in enumerate(items, start=1))


def json_object(value: object, field: str) -> dict[str, JsonValue]:
    """Return `value` as an object of JSON without the nulls in it.

    Raises:
        RowRefusedError: It is nested too deeply, or holds what JSON cannot.
    """
    try:
        return _OBJECT.validate_python(_without_nulls(value, MAXIMUM_DEPTH))
    except _TooDeep as error:
        raise RowRefusedError(
            field, "it is nested too deeply", "Flatten it.", "too_deep"
        ) from error
    except ValidationError as error:
        raise RowRefusedError(
            field, "it is no object of JSON", "Write it as JSON.", "not_text"
        ) from error


_TOOLS = 'Write a list of {"name": "...", "description": "...", "parameters": {...}}.'


class _NotJson:
    """Stands for a text that is not JSON; null is."""


class _TooDeep(Exception):
    """A value is nested too deeply."""


def _call(item: object, field: str, place: int) -> ToolCall:
    function = item.get("function", item) if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(function, Mapping):
        raise _refused(field, f"a tool call in message {place} is not an object")
    name = function.get("name")
    if not isinstance(name, str) or not name.strip():
        raise _refused(field, f"a tool call in message {place} has no name")
    arguments = function.get("arguments", function.get("parameters"))
    if isinstance(arguments, str):
        arguments = _json(arguments) if arguments.strip() else None
    if arguments is not None and not isinstance(arguments, Mapping):
        raise _refused(field, f"the arguments of a tool call in message {place} are no object")
    identity = item.get("id")
    return ToolCall(
        name=name.strip(),
        arguments=json_object(arguments or {}, field),
        id=identity if isinstance(identity, str) else "",
    )


def _is_call(item: Mapping[str, object]) -> bool:
    function = item.get("function", item)
    return isinstance(function, Mapping) and "name" in function and "arguments" in function


def _refused(field: str, problem: str) -> RowRefusedError:
    return RowRefusedError(field, problem, _SHAPE, "bad_tool_call")


def _tool(item: object, field: str, place: int) -> dict[str, JsonValue]:
    tool = json_object(item, field) if isinstance(item, Mapping) else {}
    function = tool.get("function", tool)
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str) or not name:
        raise RowRefusedError(field, f"tool {place} has no name", _TOOLS, "bad_tools")
    return tool if "function" in tool else {"type": "function", "function": tool}


def _json(text: str) -> object:
    try:
        value: object = json.loads(text)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return _NotJson()
    return value


def _without_nulls(value: object, depth: int) -> object:
    if depth == 0:
        raise _TooDeep
    if isinstance(value, Mapping):
        kept = ((str(key), inner) for key, inner in value.items() if inner is not None)
        return {key: _without_nulls(inner, depth - 1) for key, inner in kept}
    if isinstance(value, list | tuple):
        return [_without_nulls(inner, depth - 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, date | time | Decimal) else value
