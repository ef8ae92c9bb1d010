"""Read rows from JSON Lines and from JSON files.

Refused, each with its line: what is not JSON, not an object, not a finite number, nested too
deeply, or not valid Unicode.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from tools.data.text_lines import text_lines, whole_text
from tools.errors import DatasetError

Row = dict[str, object]


def read_json_lines(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a file with a JSON object on every line, each with its line number."""
    for number, line in text_lines(path):
        if not line.strip():
            continue
        row = _parsed(line.rstrip("\n"), f"{path.name!r}: line {number}")
        if not isinstance(row, dict):
            hint = " If the whole file is one list, name it .json." if isinstance(row, list) else ""
            raise DatasetError(
                f"{path.name!r}: line {number} is {_kind(row)}, not an object like "
                f'{{"prompt": "...", "completion": "..."}}.{hint}'
            )
        yield number, row


def read_json(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield the rows of a JSON file that is a list of objects, or an object that holds one list.

    A file of JSON Lines that is named .json is read as what it is.
    """
    text = whole_text(path)
    if _is_json_lines(text):
        yield from read_json_lines(path)
        return
    for number, row in enumerate(_list_of_rows(path, text), start=1):
        if not isinstance(row, dict):
            raise DatasetError(f"{path.name!r}: row {number} is {_kind(row)}, not an object.")
        yield number, row


def _list_of_rows(path: Path, text: str) -> list[object]:
    content = _parsed(text, repr(path.name)) if text.strip() else []
    if isinstance(content, dict):
        lists = [value for value in content.values() if isinstance(value, list)]
        if len(lists) != 1:
            raise DatasetError(
                f"{path.name!r} is an object with {len(lists)} lists; one list of rows is needed. "
                "Save the rows as a list of objects."
            )
        return lists[0]
    if not isinstance(content, list):
        raise DatasetError(f"{path.name!r} is {_kind(content)}, not a list of objects.")
    return content


def _is_json_lines(text: str) -> bool:
    first, _, rest = text.lstrip().partition("\n")
    if not first.startswith("{") or not rest.strip():
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return True


def _parsed(text: str, place: str) -> object:
    try:
        value: object = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
        # Only an escape can spell half a surrogate pair, and no file can be written with one.
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise DatasetError(
            f"{place} is not valid Unicode: it holds half of a surrogate pair (\\ud800 to "
            "\\udfff). Remove that escape."
        ) from error
    except RecursionError as error:
        raise DatasetError(f"{place} is nested too deeply. Flatten it.") from error
    except ValueError as error:
        raise DatasetError(f"{place} is not valid JSON: {_reason(error)}.") from error
    return value


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        # The place of a row says its line already, and a text of one line needs none.
        line = f"line {error.lineno}, " if "\n" in error.doc else ""
        return f"{error.msg} ({line}column {error.colno})"
    if "integer string conversion" in str(error):
        return "a number has too many digits"
    return str(error)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number; write null or leave the field out")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {text[:20]} is too large")
    return value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")
