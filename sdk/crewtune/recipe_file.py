"""Read a recipe: `name: value` lines as the studio writes them, or JSON.

What a field may hold is decided by the studio, which names all that is wrong.

Not covered: the rest of YAML. Mappings in mappings, anchors and texts of several lines are refused;
a list of mappings, such as rewards, is written in JSON on one line.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

Scalar = str | int | float | bool | None
Value = Scalar | list[Scalar] | list[dict[str, object]]

_FIELD = re.compile(r"([A-Za-z_][\w-]*)\s*:(?:\s+(.*))?$")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_COMMENT = re.compile(r"(^|\s)#.*$")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


def read_recipe(path: Path) -> dict[str, Value]:
    """Return the fields of the recipe in `path`.

    Raises:
        ValueError: It is no recipe; the message names the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not text in UTF-8.") from error
    if text.lstrip().startswith("{"):
        return _read_json(text, path.name)
    return _read_lines(text.split("\n"), path.name)


def read_change(text: str) -> tuple[str, Value]:
    """Return the field and the value of `key=value`.

    Raises:
        ValueError: It is something else.
    """
    name, found, value = text.partition("=")
    if not found or not name.strip():
        raise ValueError(f"{text!r} is not of the form key=value, e.g. learning_rate=1e-4.")
    return name.strip(), read_value(value)


def read_value(text: str) -> Value:
    """Return what `text` spells: a number, true, false, null, a list, or a text."""
    text = text.strip()
    if _is_mappings(text):
        return _read_mappings(text)
    if text.startswith("[") and text.endswith("]"):
        return [_scalar(one) for one in text[1:-1].split(",") if one.strip()]
    return _scalar(text)


def _is_mappings(text: str) -> bool:
    return text.startswith("[{") and text.endswith("}]")


def _read_mappings(text: str) -> list[dict[str, object]]:
    try:
        mappings: list[dict[str, object]] = json.loads(text)
    except ValueError as error:
        raise ValueError(f"A list of mappings is written in JSON on one line: {error}.") from error
    return mappings


def _read_json(text: str, name: str) -> dict[str, Value]:
    try:
        content: dict[str, Value] = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{name} is not JSON: {error}.") from error
    return content


def _read_lines(lines: Iterable[str], name: str) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    unsaid: set[str] = set()
    open_list: list[Scalar] | None = None
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip() if _quoted(raw) else _COMMENT.sub("", raw).rstrip()
        if not line or line == "---":
            continue
        field = _FIELD.match(line)
        if field and field[1] not in fields:
            open_list = [] if field[2] is None else None
            fields[field[1]] = read_value(field[2] or "") if open_list is None else open_list
            unsaid |= set() if open_list is None else {field[1]}
        elif line.lstrip().startswith("- ") and open_list is not None:
            open_list.append(_scalar(line.lstrip()[2:]))
        else:
            said = f"{field[1]} stands there twice" if field else "is not a 'name: value' line"
            raise ValueError(f"{name}, line {number}: {said}.")
    # A name with nothing after it, and no list below it, means nothing.
    return {key: None if key in unsaid and not value else value for key, value in fields.items()}


def _quoted(line: str) -> bool:
    value = line.partition(":")[2].strip().removeprefix("- ")
    return _is_mappings(value) or (value[:1] in ("'", '"') and value.endswith(value[:1]))


def _scalar(text: str) -> Scalar:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.fullmatch(text):
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    return text
