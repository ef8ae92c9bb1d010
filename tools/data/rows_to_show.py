"""Choose the rows of a dataset that are shown as tokens: those that are named, or the first few.

A text of many megabytes takes gigabytes as tokens, so such a row is refused, or passed over.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from tools.data.conversation import Conversation, parse_line, read_characters, read_lines
from tools.errors import DatasetError

MAXIMUM_CHARACTERS = 1_000_000  # of a row
FIRST_ROWS = 5


def rows_to_show(version: Path, numbers: Sequence[int]) -> list[Conversation]:
    """Return the rows `numbers` of a dataset version in that order, or its first five.

    Raises:
        DatasetError: There is no such row, or it is too long to be shown.
    """
    if not numbers:
        most = FIRST_ROWS * MAXIMUM_CHARACTERS
        first = list(islice(read_characters(version, most, a_row=MAXIMUM_CHARACTERS), FIRST_ROWS))
        if not first:
            raise DatasetError(f"Every row has more than {_TOO_MANY} Give a text instead.")
        return first
    found = _named(version, set(numbers))
    missing = [number for number in numbers if number not in found]
    if missing:
        raise DatasetError(f"The dataset has no row {missing[0]}. Name one that it has.")
    return [found[number] for number in numbers]


def _named(version: Path, numbers: set[int]) -> dict[int, Conversation]:
    found: dict[int, Conversation] = {}
    for place, line in read_lines(version):
        one = parse_line(version, place, line)
        if one.row in numbers:
            if len(line) > MAXIMUM_CHARACTERS:
                raise DatasetError(f"Row {one.row} has more than {_TOO_MANY} Name other rows.")
            found[one.row] = one
    return found


_TOO_MANY = f"{MAXIMUM_CHARACTERS:,} characters, too many to show its tokens."
