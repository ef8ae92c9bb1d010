"""Read text files, with the number of the line in every error.

A line ends at a line feed and nowhere else: U+2028 and its like may stand in a message. Only UTF-8
is read, with or without a byte order mark.
"""

import codecs
from collections.abc import Iterator
from pathlib import Path

from tools.errors import DatasetError, spoken

MAXIMUM_LINE_BYTES = 16 * 1024 * 1024
MAXIMUM_FILE_BYTES = 256 * 1024 * 1024


def text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of `path`, each with its number and with its line feed, one at a time.

    Raises:
        DatasetError: The file cannot be opened, is not UTF-8, or a line is too long.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(MAXIMUM_LINE_BYTES + 1):
                number += 1
                if len(line) > MAXIMUM_LINE_BYTES:
                    raise DatasetError(
                        f"{path.name!r}: line {number} is longer than 16 MiB. Put one row on each "
                        "line."
                    )
                yield number, _decoded(path, number, line)
    except OSError as error:
        raise DatasetError(f"{path.name!r} cannot be read: {spoken(error)}.") from error


def whole_text(path: Path) -> str:
    """Return the text of `path`.

    Raises:
        DatasetError: The file cannot be opened, is too large, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAXIMUM_FILE_BYTES + 1)
    except OSError as error:
        raise DatasetError(f"{path.name!r} cannot be read: {spoken(error)}.") from error
    if len(content) > MAXIMUM_FILE_BYTES:
        raise DatasetError(
            f"{path.name!r} is larger than 256 MiB. Save it as .jsonl, which is read line by line."
        )
    return _decoded(path, 1, content)


def _decoded(path: Path, number: int, content: bytes) -> str:
    """Return the text of `content`, which begins in line `number`."""
    if number == 1:
        content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        number += content.count(b"\n", 0, error.start)
        raise DatasetError(
            f"{path.name!r}: line {number} is not UTF-8 text. Save the file as UTF-8 and try again."
        ) from error
