"""Delays as a table, and whether they keep a bound."""

import math
import os
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.table import Table

_console = Console(width=100, highlight=False)


class Delays(BaseModel):
    """Some delays in milliseconds: each percentile is one that was measured."""

    model_config = ConfigDict(frozen=True)

    count: int
    median: float
    p95: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Delays":
        """Return the figures of what was measured."""
        ordered = sorted(one * 1000 for one in seconds)

        def percentile(share: float) -> float:
            return ordered[math.ceil(share * len(ordered)) - 1]

        return cls(
            count=len(ordered),
            median=percentile(0.5),
            p95=percentile(0.95),
            p99=percentile(0.99),
            longest=ordered[-1],
        )


def show(title: str, base: tuple[str, Delays], loaded: tuple[str, Delays]) -> None:
    """Draw both sides, and how many times longer the second takes."""
    table = Table("ms", "count", "median", "p95", "p99", "longest", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, delays in (base, loaded):
        figures = (delays.median, delays.p95, delays.p99, delays.longest)
        table.add_row(name, str(delays.count), *(f"{one:.1f}" for one in figures))
    parts = ("median", "p95", "p99", "longest")
    ratios = (getattr(loaded[1], part) / getattr(base[1], part) for part in parts)
    table.add_row("ratio", "", *(f"{one:.2f}" for one in ratios))
    _console.print(table)


def show_facts(facts: Mapping[str, str]) -> None:
    """Draw what else was seen, a line each."""
    for name, fact in facts.items():
        _console.print(f"{name}: {fact}", soft_wrap=True)


def show_machine() -> None:
    """Say what this machine is and what it was doing already: figures mean little without."""
    loads = ", ".join(f"{one:.2f}" for one in os.getloadavg())
    cores = len(os.sched_getaffinity(0))
    _console.print(f"{cores} cores; load before the start (1, 5, 15 min): {loads}")


def kept(name: str, milliseconds: float, bound: float) -> bool:
    """Say whether the bound was kept, and return it."""
    good = milliseconds <= bound
    said = "kept" if good else "MISSED"
    _console.print(f"{name} {milliseconds:.1f} ms, bound {bound:g} ms: {said}")
    return good


def say(sentence: str) -> None:
    """Tell who waits what goes on."""
    _console.print(sentence, soft_wrap=True)
