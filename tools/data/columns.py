"""The columns of the first rows of a dataset, and what kind of values are in them."""

from collections.abc import Callable, Mapping, Sequence

from tools.data.convert_messages import convert_messages, is_message_list, listed
from tools.data.layout import Row
from tools.data.row_problem import RowRefusedError


class Columns:
    """The columns of some rows. Upper and lower case of their names do not count."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self.names = list(dict.fromkeys(name for row in rows for name in row))
        self._by_lower_case = {name.lower(): name for name in reversed(self.names)}

    def named(self, candidates: Sequence[str]) -> str | None:
        """Return the first of `candidates` that is a column."""
        found = (self._by_lower_case.get(candidate) for candidate in candidates)
        return next((name for name in found if name is not None), None)

    def first(
        self, candidates: Sequence[str], fits: Callable[[object], bool], but: str | None = None
    ) -> str | None:
        """Return the first of `candidates` that is a column with a fitting value."""
        for candidate in candidates:
            name = self._by_lower_case.get(candidate)
            if name is not None and name != but and self._holds(name, fits):
                return name
        return None

    def all_of(self, candidates: Sequence[str], fits: Callable[[object], bool]) -> str | None:
        """Return the first of `candidates` that is a column whose every value fits."""
        for candidate in candidates:
            name = self._by_lower_case.get(candidate)
            if name is not None and all(map(fits, values := self._values(name))) and values:
                return name
        return None

    def telling(self, candidates: Sequence[str]) -> str | None:
        """Return the first of `candidates` whose values are names or numbers that differ."""
        for candidate in candidates:
            name = self._by_lower_case.get(candidate)
            values = self._values(name) if name is not None else []
            usual = all(isinstance(value, str | int) for value in values)
            if values and usual and (len(set(values)) > 1 or len(values) == 1):
                return name
        return None

    def spelt_from_value(self, name: str) -> bool:
        """Tell whether the messages in a column are spelt `from` and `value`."""
        return self._holds(name, lambda value: "from" in _first_message(value))

    def ends_unanswered(self, name: str) -> bool:
        """Tell whether the first list of messages in a column ends with a question."""
        lists = (value for value in self._values(name) if is_message_list(value))
        try:
            return convert_messages(next(lists, None), name)[-1].role != "assistant"
        except RowRefusedError:
            return False

    def shape(self, name: str) -> str:
        """Say what kind of values the column has, without showing one."""
        values = self._values(name)
        return _shape(values[0]) if values else "empty"

    def _holds(self, name: str, fits: Callable[[object], bool]) -> bool:
        return any(fits(row.get(name)) for row in self._rows)

    def _values(self, name: str) -> list[object]:
        return [row[name] for row in self._rows if row.get(name) is not None]


def _first_message(value: object) -> Mapping[str, object]:
    items = listed(value)
    first = items[0] if isinstance(items, list) and items else None
    return first if isinstance(first, dict) else {}


def _shape(value: object) -> str:
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, Mapping):
        return f"object with {', '.join(str(key)[:40] for key in list(value)[:6]) or 'nothing'}"
    if isinstance(value, list):
        # Not told any deeper: a list may be nested a thousand times.
        inner = "lists" if value and isinstance(value[0], list) else None
        return f"list of {inner or _shape(value[0])}" if value else "empty list"
    return "other"
