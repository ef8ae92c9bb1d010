"""Numbers, times and foreign text as a person reads them. Nothing here draws."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from crewtune.counted import counted

_MARKS = re.compile(r"([\\`*_\[\]<>$:~#|!&])")
_STEPS = ((1e9, "B"), (1e6, "M"), (1e3, "k"))
_AGES = (
    (86400 * 365, "year"),
    (86400 * 30, "month"),
    (86400, "day"),
    (3600, "hour"),
    (60, "minute"),
)


def plain(text: object) -> str:
    """Return `text` so that Markdown shows it letter by letter, for text that is not ours."""
    return _MARKS.sub(r"\\\1", str(text))


def count(number: float | None) -> str:
    """Return a count that is short: 950, 12.3 k, 1.7 B."""
    if number is None:
        return "-"
    for size, letter in _STEPS:
        if abs(number) >= size:
            return f"{number / size:.1f} {letter}"
    return f"{number:,.0f}"


def size(number: float | None) -> str:
    """Return bytes in the unit that fits."""
    if number is None:
        return "-"
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def duration(seconds: float | None) -> str:
    """Return how long, in two units at most."""
    if seconds is None:
        return "-"
    if seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def ago(moment: datetime | None, now: datetime | None = None) -> str:
    """Return how long ago, roughly."""
    if moment is None:
        return "-"
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    for unit_seconds, unit in _AGES:
        if seconds >= unit_seconds:
            return f"{counted(int(seconds // unit_seconds), unit)} ago"
    return "just now"


def figure(number: object) -> str:
    """Return a value as it stands in a table: four digits that matter."""
    if isinstance(number, bool):
        return "yes" if number else "no"
    if not isinstance(number, int | float):
        return "-" if number is None else str(number)
    return f"{number:,}" if isinstance(number, int) else f"{number:.4g}"


def told_in_brief(data: Mapping[str, object], most: int = 8) -> str:
    """Return the first single values of `data` on a line; lists and tables are passed over."""
    single = [
        f"{name} {figure(value)}"
        for name, value in data.items()
        if isinstance(value, str | int | float) and len(str(value)) <= 120
    ]
    return ", ".join(single[:most])
