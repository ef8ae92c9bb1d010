"""Read text files, with the number of the line in every error.

A line ends at a line feed and nowhere else: U+2028 and its like may stand in a message. The text
is UTF-8, or UTF-16 where a mark at the beginning says so. A table that is neither is taken for
Windows-1252, which spreadsheets write, and that is noted.
"""

import codecs
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import AnyStr, BinaryIO

from tools.data.read_bytes import Reading, open_bytes
from tools.data.row_problem import RowProblem
from tools.errors import DatasetError

MAXIMUM_LINE_BYTES = 16 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_lines(
    path: Path, reading: Reading, *, fallback: str | None = None
) -> Iterator[tuple[int, str | RowProblem]]:
    """Yield the lines of `path`, each with its number and with its line feed, one at a time.

    A line that is too long or not text is a problem of its row; the next one follows.

    Args:
        path: The file, which may be packed.
        reading: Told how far it is, and of a line that is in the encoding `fallback`.
        fallback: How to read a line that is not UTF-8.

    Raises:
        DatasetError: The file cannot be opened, or is no text.
    """
    with open_bytes(path, reading) as file:
        for number, line in enumerate(_lines(path, file), start=1):
            reading.bytes_of_text += len(line)
            if len(line) > MAXIMUM_LINE_BYTES:
                yield number, _too_long(number)
                continue
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            try:
                yield number, line.decode("utf-8")
            except UnicodeDecodeError:
                text = _decoded(line, fallback)
                if text is None:
                    yield number, _not_utf_8(number)
                    continue
                reading.note(f"{path.name}: not UTF-8 throughout, read as {fallback} where not.")
                yield number, text


def text_pieces(path: Path, reading: Reading) -> Iterator[str]:
    """Yield the text of `path` a megabyte at a time.

    Raises:
        DatasetError: The file cannot be opened, or is not UTF-8.
    """
    with open_bytes(path, reading) as file:
        decoder, lines = codecs.getincrementaldecoder(_encoding(file))(), 1
        data = file.read(_PIECE_BYTES)
        while True:
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as error:
                lines += error.object.count(b"\n", 0, error.start)
                raise DatasetError(
                    f"{path.name!r}: line {lines} is not UTF-8 text. Save the file as UTF-8 and "
                    "try again."
                ) from error
            lines += text.count("\n")
            reading.bytes_of_text += len(data)
            yield text
            if not data:
                return
            data = file.read(_PIECE_BYTES)


def _lines(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """Yield lines of bytes in UTF-8; of one that is too long, only so much that this shows."""
    if _encoding(file) == "utf-16":
        yield from _recoded(path, file)
        return
    yield from _cut(file.readline, b"\n")


def _cut(readline: Callable[[int], AnyStr], end: AnyStr) -> Iterator[AnyStr]:
    while line := readline(MAXIMUM_LINE_BYTES + 1):
        yield line
        while len(line) > MAXIMUM_LINE_BYTES and not line.endswith(end):
            line = readline(MAXIMUM_LINE_BYTES + 1)


def _recoded(path: Path, file: BinaryIO) -> Iterator[bytes]:
    text = io.TextIOWrapper(file, encoding="utf-16", newline="\n")
    try:
        for line in _cut(text.readline, "\n"):
            yield line.encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path.name!r} is not UTF-16 text throughout. Save the file as UTF-8 and try again."
        ) from error
    finally:
        text.detach()


def _encoding(file: BinaryIO) -> str:
    head = file.peek(2)[:2] if isinstance(file, io.BufferedReader) else b""
    return "utf-16" if head in _UTF_16 else "utf-8-sig"


def _decoded(line: bytes, encoding: str | None) -> str | None:
    try:
        return line.decode(encoding) if encoding else None
    except UnicodeDecodeError:
        return None


def _too_long(number: int) -> RowProblem:
    return RowProblem(
        row=number,
        field="",
        problem="the line is longer than 16 MiB",
        remedy="Put one row on each line.",
        kind="too_long",
    )


def _not_utf_8(number: int) -> RowProblem:
    return RowProblem(
        row=number,
        field="",
        problem="the line is not UTF-8 text",
        remedy="Save the file as UTF-8.",
        kind="bad_unicode",
    )
