"""Parse JSON as strictly as a row needs it, and tell what is wrong without losing the place.

A value that is well-formed but not sound has a fault, and what follows it can still be read: a
number that is not finite, a key that is there twice, half of a surrogate pair.
"""

import json
import math
import re

from tools.data.row_problem import RowProblem, UnreadableKind

Fault = tuple[UnreadableKind, str, str]

# Only an escape can spell half a surrogate pair, and no file can be written with one.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


class JsonParser:
    """Parses one value after the other."""

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_constant=self._constant,
            parse_float=self._float,
        )

    def line(self, text: str) -> tuple[object, Fault | None]:
        """Return the value that `text` spells, and what is wrong with it."""
        self._fault = None
        try:
            # Without a copy of the text, unless more than its value is in the line.
            value, end = self._decoder.raw_decode(text)
            if len(text) - end > 1 or text[end:].strip():
                value = self._decoder.decode(text)
            return value, self._fault or _surrogate(text, 0, len(text), value)
        except RecursionError:
            return None, ("too_deep", "it is nested too deeply", "Flatten it.")
        except ValueError as error:
            return None, ("malformed", f"it is not valid JSON: {_reason(error)}", _CORRECT)

    def next(self, text: str, place: int) -> tuple[object, int, Fault | None]:
        """Return the value that begins at `place`, where it ends, and what is wrong with it.

        Raises:
            ValueError: No whole value begins there.
            RecursionError: It is nested too deeply.
        """
        self._fault = None
        value, end = self._decoder.raw_decode(text, place)
        return value, end, self._fault or _surrogate(text, place, end, value)

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        whole = dict(pairs)
        if len(whole) != len(pairs):
            self._fault = ("repeated_key", "it names a key twice", "Keep one of them.")
        return whole

    def _constant(self, name: str) -> None:
        self._fault = ("not_finite", f"{name} is not a number", "Write null or leave it out.")

    def _float(self, text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            self._fault = ("not_finite", "a number is too large", "Write a smaller one.")
        return value


def unreadable(number: int, fault: Fault) -> RowProblem:
    """Return a fault as the problem of row `number`."""
    kind, problem, remedy = fault
    return RowProblem(row=number, field="", problem=problem, remedy=remedy, kind=kind)


def kind_of(value: object) -> str:
    """Say what a value of JSON is."""
    if value is None:
        return "null"
    names = {bool: "true or false", str: "text", list: "a list", dict: "an object"}
    return names.get(type(value), "a number")


_CORRECT = "Correct the line or remove it."


def holds_half_pair(text: str, value: object) -> bool:
    """Tell whether `value`, which `text` spells, holds half of a surrogate pair."""
    return bool(_SURROGATE.search(text)) and _has_half(value)


def _surrogate(text: str, start: int, end: int, value: object) -> Fault | None:
    # Within the value alone: of a file that is one list, a megabyte of other rows stands around it.
    if text.find("\\u", start, end) < 0 or not _SURROGATE.search(text, start, end):
        return None
    if not _has_half(value):
        return None
    problem = "it is not valid Unicode: it holds half of a surrogate pair (\\ud800 to \\udfff)"
    return "bad_unicode", problem, "Remove that escape."


def _has_half(value: object) -> bool:
    return bool(_HALF.search(json.dumps(value, ensure_ascii=False)))


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (column {error.colno})"
    # The only other one: an integer that Python does not turn into a number.
    return "a number has too many digits"
