"""How fast the scan is, and how much of what was planted each of its levels finds.

`python -m benchmarks.scan` prints a Markdown table. Recall is the share of planted rows that are
marked, precision the share of marked rows that were planted. At strict and maximum, ordinary rows
are marked on purpose when they hold something that a careful person might want to see.
"""

import argparse
import sys
import time
from dataclasses import dataclass

from benchmarks.figures import say, show_machine
from benchmarks.planted_injections import PlantedRow, planted_rows
from tools.data.scan.load_patterns import LEVELS, Level, patterns_of
from tools.data.scan.scan_text import scan_text

_TIMED_ROW = (
    "Our upright freezer makes a loud noise since this morning, and the lamp in it does not work "
    "any more. Could you please send somebody to look at it before the weekend? We close at six. "
    "Thanks, Anna"
)
_TIMED_ROWS = 5000


@dataclass(frozen=True)
class Found:
    """What a level found among planted rows."""

    recall: float
    precision: float

    @classmethod
    def among(cls, rows: list[PlantedRow], level: Level) -> "Found":
        """Scan `rows` at `level`."""
        marked = [row.planted for row in rows if scan_text(row.text, level)]
        planted = sum(row.planted for row in rows)
        return cls(recall=sum(marked) / planted, precision=sum(marked) / max(1, len(marked)))


def main() -> int:
    """Measure each level and print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.scan", description=__doc__)
    parser.add_argument("--rows", type=int, default=5000, help="rows in which injections stand")
    parser.add_argument("--share", type=float, default=0.1, help="share of the rows with one")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    show_machine()
    rows = list(planted_rows(given.rows, given.share, given.seed))
    say(f"| level | patterns | recall | precision | rows/s of {len(_TIMED_ROW)} characters |")
    say("|---|---:|---:|---:|---:|")
    for level in LEVELS:
        found = Found.among(rows, level)
        say(
            f"| {level} | {len(patterns_of(level))} | {found.recall:.3f} | "
            f"{found.precision:.3f} | {_rows_a_second(level):,.0f} |"
        )
    return 0


def _rows_a_second(level: Level) -> float:
    begin = time.perf_counter()
    for _ in range(_TIMED_ROWS):
        scan_text(_TIMED_ROW, level)
    return _TIMED_ROWS / (time.perf_counter() - begin)


if __name__ == "__main__":
    sys.exit(main())
