"""Count what an import makes of its rows, and end one that cannot come to a good end.

It holds counters, the first hundred problems and the placeholders, and no rows.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tools.data.conversation import Conversation, line_of
from tools.data.conversation_text import all_turns, placeholders_in
from tools.data.layout import Format, NumberedRow
from tools.data.read_source import Source
from tools.data.row_problem import UNREADABLE, RowProblem
from tools.errors import DatasetError
from tools.progress import Progress

MAXIMUM_ROW_CHARACTERS = 16 * 1024 * 1024
# Stays free on the disk for the runs and the database.
RESERVED_BYTES = 256 * 1024 * 1024
# A small file may say one long text in every row, or the same row without end.
MAXIMUM_GROWTH = 250
_HARMLESS_CHARACTERS = 64 * 1024 * 1024
_LEFT_OUT_CHARACTERS = 64  # a row that is left out counts as if so many had been written
_ROWS_BETWEEN_DISKS = 64
_LISTED = 100
_ROWS_BETWEEN_LOOKS = 1000
_CHARACTERS_BETWEEN_LOOKS = 16 * 1024 * 1024


class ImportCount:
    """The counters of one import."""

    def __init__(
        self, source: Source, size: int | None, target_dir: Path, progress: Progress
    ) -> None:
        self._source = source
        self._size = size
        self._target_dir = target_dir
        self._progress = progress
        self._written = 0
        self._next_look = 0
        self._unreadable = 0
        self.read = 0
        self.imported = 0
        self.kinds: Counter[str] = Counter()
        self.problems: list[RowProblem] = []
        self.placeholders: set[str] = set()
        self.placeholder_rows = 0

    def kept(
        self, made: Iterable[Conversation | RowProblem], format: Format
    ) -> Iterator[Conversation]:
        """Yield the conversations among `made`, and count everything.

        Raises:
            DatasetError: There are none, most rows cannot be read, or the disk is filling up.
        """
        for one in made:
            if self.read % _ROWS_BETWEEN_LOOKS == 0 or self._written > self._next_look:
                self._look()
            self.read += 1
            if isinstance(one, RowProblem):
                self._leave_out(one)
            elif self._fits(one):
                self.imported += 1
                yield one
        self._refuse_damaged()
        if not self.imported:
            raise DatasetError(self._nothing_left(format))

    def seen(self, rows: Iterable[NumberedRow]) -> Iterator[NumberedRow]:
        """Yield `rows`, of which chains keep all before the first is `kept`.

        Raises:
            DatasetError: The disk is filling up.
        """
        for place, numbered in enumerate(rows):
            if place >= _ROWS_BETWEEN_LOOKS and place % _ROWS_BETWEEN_DISKS == 0:
                self._progress.check()
                self._refuse_full_disk()
            yield numbered

    def written(self, conversations: Iterable[Conversation]) -> Iterator[str]:
        """Yield the lines of `conversations`, and count what is in them."""
        for one in conversations:
            line = line_of(one)
            self._written += len(line)
            yield line

    def _fits(self, one: Conversation) -> bool:
        characters, braces = 0, False
        for message in one.messages:
            characters += len(message.content)
            braces = braces or "{{" in message.content
        if one.chosen or one.segments:
            parts = [turn.content for turn in all_turns(one)[len(one.messages) :]]
            parts += [segment.text for segment in one.segments]
            characters += sum(map(len, parts))
            braces = braces or any("{{" in part for part in parts)
        if characters > MAXIMUM_ROW_CHARACTERS:
            self._leave_out(_too_long(one.row))
            return False
        found = placeholders_in(one) if braces else ()
        if found:
            self.placeholder_rows += 1
            self.placeholders.update(sorted(found)[: _LISTED - len(self.placeholders)])
        return True

    def _leave_out(self, problem: RowProblem) -> None:
        self.kinds[problem.kind] += 1
        self._unreadable += problem.kind in UNREADABLE
        self._written += _LEFT_OUT_CHARACTERS
        if len(self.problems) < _LISTED:
            self.problems.append(problem)

    def _look(self) -> None:
        """Stop when asked to, or when going on is of no use; say how far it is."""
        self._progress.check()
        self._next_look = self._written + _CHARACTERS_BETWEEN_LOOKS
        if self.read:
            self._refuse_damaged()
            self._refuse_too_large()
            self._refuse_full_disk()
        if self._size:
            share = self._source.reading.bytes_read / self._size
            self._progress.percent(min(100.0, 100 * share))

    def _refuse_damaged(self) -> None:
        if 2 * self._unreadable <= self.read:
            return
        first = next(one for one in self.problems if one.kind in UNREADABLE)
        raise DatasetError(
            f"{self._source.name!r} is damaged, or is not what its name says: {self._unreadable} "
            f"of its first {self.read} rows cannot be read. Row {first.row}: {first.problem}. "
            f"{first.remedy}"
        )

    def _refuse_too_large(self) -> None:
        if self._size and self._written > max(_HARMLESS_CHARACTERS, MAXIMUM_GROWTH * self._size):
            raise DatasetError(
                f"{self._source.name!r} holds more than {MAXIMUM_GROWTH} times as much text as "
                "its size. Import a part of it."
            )

    def _refuse_full_disk(self) -> None:
        if shutil.disk_usage(self._target_dir).free < RESERVED_BYTES:
            raise DatasetError(
                f"{self._source.name!r} does not fit on the disk, of which "
                f"{RESERVED_BYTES >> 20} MiB stay free. Import a part of it, or free some space."
            )

    def _nothing_left(self, format: Format) -> str:
        first = self.problems[0]
        return (
            f"{self._source.name!r} looks like the format {format}, but none of its {self.read} "
            f"rows can be used. Row {first.row}, `{first.field}`: {first.problem}. {first.remedy}"
        )


def _too_long(number: int) -> RowProblem:
    return RowProblem(
        row=number,
        field="",
        problem=f"it has more than {MAXIMUM_ROW_CHARACTERS >> 20} million characters",
        remedy="Shorten it.",
        kind="too_long",
    )
