"""Read rows from JSON Lines and from JSON files, one at a time.

A line that is no row is a problem of its own and does not keep the others from being read. A JSON
file is read as it streams by; where its structure breaks, no row after that can be trusted, so
the file is refused.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tools.data.layout import NumberedRow
from tools.data.parse_json import JsonParser, kind_of, unreadable
from tools.data.read_bytes import Reading
from tools.data.row_problem import RowProblem
from tools.data.text_lines import MAXIMUM_LINE_BYTES, text_lines, text_pieces
from tools.errors import DatasetError

_BLANK = re.compile(r"[ \t\n\r]*")


def read_json_lines(path: Path, reading: Reading) -> Iterator[NumberedRow]:
    """Yield the rows of a file with a JSON object on every line, each with its line number."""
    parser = JsonParser()
    for number, line in text_lines(path, reading):
        if isinstance(line, RowProblem):
            yield number, line
            continue
        if line.isspace() or not line:
            continue
        row, fault = parser.line(line.strip())
        if fault is not None:
            yield number, unreadable(number, fault)
        elif isinstance(row, dict):
            yield number, row
        else:
            yield number, _no_object(number, row)


def read_json(path: Path, reading: Reading) -> Iterator[NumberedRow]:
    """Yield the rows of a JSON file that is a list of objects, or an object that holds one list.

    A file of JSON Lines that is named .json is read as what it is.
    """
    if _is_json_lines(path):
        yield from read_json_lines(path, reading)
        return
    text = _Text(path, reading)
    first = text.peek()
    if first == "[":
        yield from text.rows()
    elif first == "{":
        yield from _rows_of_object(path, text)
    elif first:
        raise DatasetError(f"{path.name!r} is {kind_of(text.value()[0])}, not a list of objects.")
    if text.peek():
        raise text.broken("something stands after its end")


class _Text:
    """The text of a file, of which as much is held as the next value needs."""

    def __init__(self, path: Path, reading: Reading) -> None:
        self._path = path
        self._pieces = text_pieces(path, reading)
        self._text = ""
        self._place = 0
        self._ended = False
        self._parser = JsonParser()
        self.row = 0

    def peek(self) -> str:
        """Return the next character that is not blank, or nothing at the end."""
        while True:
            blank = _BLANK.match(self._text, self._place)
            self._place = blank.end() if blank else self._place
            if self._place < len(self._text):
                return self._text[self._place]
            if self._ended:
                return ""
            self._more()

    def skip(self, sign: str) -> bool:
        """Step over `sign` if it comes next, and tell whether it did."""
        if self.peek() != sign:
            return False
        self._place += 1
        return True

    def value(self) -> tuple[object, RowProblem | None]:
        """Return the next value, and what is wrong with it."""
        self.peek()
        while True:
            try:
                value, end, fault = self._parser.next(self._text, self._place)
            except RecursionError as error:
                raise self.broken("it is nested too deeply") from error
            except ValueError as error:
                held = len(self._text) - self._place
                if self._ended or held > MAXIMUM_LINE_BYTES:
                    raise self.broken(_reason(error)) from error
            else:
                # A number may go on in the next piece.
                if end < len(self._text) or self._ended:
                    self._place = end
                    return value, unreadable(self.row, fault) if fault else None
            self._more()

    def rows(self) -> Iterator[NumberedRow]:
        """Yield what is in the list that comes next."""
        self.skip("[")
        if self.skip("]"):
            return
        while True:
            self.row += 1
            row, problem = self.value()
            if problem is not None:
                yield self.row, problem
            else:
                yield self.row, row if isinstance(row, dict) else _no_object(self.row, row)
            if self.skip("]"):
                return
            if not self.skip(","):
                raise self.broken("a comma or the end of the list is missing")

    def broken(self, reason: str) -> DatasetError:
        """Return the refusal of a file whose structure breaks here."""
        place = f" at or after row {self.row}" if self.row else ""
        return DatasetError(
            f"{self._path.name!r} is not valid JSON{place}: {reason}. Save or download it again."
        )

    def _more(self) -> None:
        """Hold twice as much, so that a long value is not looked at again and again."""
        self._text = self._text[self._place :]
        self._place = 0
        wanted = 2 * len(self._text) or 1
        pieces = [self._text]
        while sum(map(len, pieces)) < wanted and not self._ended:
            piece = next(self._pieces, None)
            self._ended = piece is None
            pieces.append(piece or "")
        self._text = "".join(pieces)


def _rows_of_object(path: Path, text: _Text) -> Iterator[NumberedRow]:
    """Yield the rows of the one list of objects among the members of an object."""
    text.skip("{")
    found = False
    while not text.skip("}"):
        key, _ = text.value()
        if not isinstance(key, str) or not text.skip(":"):
            raise text.broken("a key or a colon is missing")
        for numbered in _rows_of_member(text):
            if found and text.row == 1:
                raise _not_one_list(path, "several lists")
            found = True
            yield numbered
        if not text.skip(",") and text.peek() != "}":
            raise text.broken("a comma or the end of the object is missing")
    if not found:
        raise _not_one_list(path, "no list")


def _rows_of_member(text: _Text) -> Iterator[NumberedRow]:
    """Yield the rows of a member that is a list of objects; step over any other."""
    if text.peek() != "[":
        text.value()
        return
    text.row = 0
    rows = text.rows()
    first = next(rows, None)
    if first is None:
        return
    # A list of anything else is the columns of a table, say.
    sound = _is_row(first)
    if sound:
        yield first
    for numbered in rows:
        if sound:
            yield numbered


def _not_one_list(path: Path, found: str) -> DatasetError:
    return DatasetError(
        f"{path.name!r} is an object with {found} of rows; one is needed. Save the rows as a "
        "list of objects."
    )


def _is_row(numbered: NumberedRow) -> bool:
    row = numbered[1]
    return not isinstance(row, RowProblem) or row.kind != "not_an_object"


def _is_json_lines(path: Path) -> bool:
    """Tell whether the first line is an object by itself and is not the only one."""
    lines = (line for _, line in text_lines(path, Reading()))
    first = next((line for line in lines if isinstance(line, RowProblem) or line.strip()), "")
    if isinstance(first, RowProblem) or not first.lstrip().startswith("{"):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return any(isinstance(line, RowProblem) or line.strip() for line in lines)


def _no_object(number: int, row: object) -> RowProblem:
    hint = " If the whole file is one list, name it .json." if isinstance(row, list) else ""
    return RowProblem(
        row=number,
        field="",
        problem=f"it is {kind_of(row)}, not an object",
        remedy='Write an object like {"prompt": "...", "completion": "..."}.' + hint,
        kind="not_an_object",
    )


def _reason(error: ValueError) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "a number has too many digits"
