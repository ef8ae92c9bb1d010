"""Count private values by kind, and remember in which rows they stand, but no value."""

from collections import Counter
from collections.abc import Iterable

from tools.data.privacy.kinds import KINDS, Kind

_LISTED_ROWS = 20


class Tally:
    """What was found so far. Its size does not grow with the dataset."""

    def __init__(self) -> None:
        """Begin with nothing found."""
        self.rows_read = 0
        self._values: Counter[Kind] = Counter()
        self._rows: Counter[Kind] = Counter()
        self._first_rows: dict[Kind, list[int]] = {}

    def add(self, row: int, kinds: Iterable[Kind]) -> None:
        """Count the values of one row, each by its kind."""
        self.rows_read += 1
        counts = Counter(kinds)
        self._values.update(counts)
        self._rows.update(counts.keys())
        for kind in counts:
            listed = self._first_rows.setdefault(kind, [])
            if len(listed) < _LISTED_ROWS:
                listed.append(row)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that were found."""
        return tuple(kind for kind in KINDS if self._values[kind])

    @property
    def found(self) -> dict[Kind, int]:
        """How many values of each kind."""
        return {kind: self._values[kind] for kind in self.kinds}

    @property
    def rows(self) -> dict[Kind, int]:
        """How many rows hold each kind."""
        return {kind: self._rows[kind] for kind in self.kinds}

    @property
    def first_rows(self) -> dict[Kind, tuple[int, ...]]:
        """The numbers of the first 20 rows with each kind."""
        return {kind: tuple(self._first_rows[kind]) for kind in self.kinds}
