"""How much of what is planted in ordinary rows is found, and how much of what is found was planted.

`python -m benchmarks.faults` prints a Markdown table with a line for every class of fault. A row
counts as found when it has a finding of the class. Exact faults have a bound; the statistical ones,
which guess, are only told. It ends with 1 when an exact class misses the bound.
"""

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.figures import say, show_machine
from benchmarks.planted_faults import CLASSES, EXACT, PlantedFault, planted_faults
from tools.data.conversation import read_conversations, write_version
from tools.data.deduplicate import different
from tools.data.near_duplicates import THRESHOLD, near_clusters
from tools.data.privacy.find_in_dataset import private_findings
from tools.data.privacy.kinds import PrivacyPolicy
from tools.data.scan.load_patterns import patterns_by_id
from tools.data.scan.scan_dataset import scan_findings
from tools.data.sketches import Sketches
from tools.data.validate_dataset import checked_rows

BOUND = 0.95

# What a fault of one class holds of another is neither asked for nor held against the other.
_ALSO = {
    "control_token": {"injection"},
    "override": {"injection"},
    "injection": {"control_token", "override"},
    "near_duplicate": {"repeated"},
    "placeholder": {"injection"},
}
_POLICY = PrivacyPolicy(phone_region="US")


class FaultFigures(BaseModel):
    """How well one class of fault is found."""

    model_config = ConfigDict(frozen=True)

    fault: str
    exact: bool
    planted: int
    recall: float
    precision: float

    @property
    def kept(self) -> bool:
        """Whether it keeps the bound, or needs to keep none."""
        return not self.exact or min(self.recall, self.precision) >= BOUND


def main() -> int:
    """Plant, look, print the table, and return 0 when every exact class keeps the bound."""
    parser = argparse.ArgumentParser(prog="benchmarks.faults", description=__doc__)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--share", type=float, default=0.02, help="of the rows, for each class")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    show_machine()
    with tempfile.TemporaryDirectory() as folder:
        rows = list(planted_faults(given.rows, given.share, given.seed))
        figures = fault_figures(rows, Path(folder))
    say("| fault | kind | planted | recall | precision |\n|---|---|---:|---:|---:|")
    for one in figures:
        kind = "exact" if one.exact else "statistical"
        say(f"| {one.fault} | {kind} | {one.planted} | {one.recall:.3f} | {one.precision:.3f} |")
    sound = sum(row.fault is None for row in rows)
    say(f"\n{sound:,} of {len(rows):,} rows are ordinary.")
    return 0 if all(one.kept for one in figures) else 1


def fault_figures(rows: Sequence[PlantedFault], folder: Path) -> list[FaultFigures]:
    """Return the figures of every class, of the version that is written of `rows` to `folder`."""
    version = write_version(folder, "planted", (one.row for one in rows))
    found: defaultdict[str, set[int]] = defaultdict(set)
    for row, fault in _found(version):
        found[fault].add(row)
    planted: defaultdict[str, set[int]] = defaultdict(set)
    for one in rows:
        if one.fault:
            planted[one.fault].add(one.row.row)
    return [_figures(name, planted, found[name]) for name in CLASSES]


def _figures(name: str, planted: dict[str, set[int]], found: set[int]) -> FaultFigures:
    others = {row for other in _ALSO.get(name, ()) for row in planted.get(other, ())}
    right, judged = found & planted[name], found - (others - planted[name])
    return FaultFigures(
        fault=name,
        exact=name in EXACT,
        planted=len(planted[name]),
        recall=len(right) / len(planted[name]),
        precision=len(right) / len(judged) if judged else 0.0,
    )


def _found(version: Path) -> Iterator[tuple[int, str]]:
    """Yield every row with each class of fault that is found in it."""
    for row, found in checked_rows(version):
        marked = scan_findings(row, "standard")
        yield from ((row.row, one.code) for one in found)
        yield from ((row.row, one.code) for one in private_findings(row, _POLICY))
        yield from ((row.row, name) for one in marked for name in _scan_classes(one.code))
    repeats: list[tuple[int, int]] = []
    for _ in different(read_conversations(version), repeats):
        pass
    yield from ((row, "repeated") for row, _ in repeats)
    sketches = Sketches((version,), threshold=THRESHOLD, seed=1)
    clusters, _ = near_clusters(sketches, THRESHOLD)
    for place, number in enumerate(sketches.numbers):
        if clusters.root(place) != place:
            yield number, "near_duplicate"


def _scan_classes(code: str) -> tuple[str, ...]:
    """Return what a finding of the scan says was planted; the last class is any attack."""
    category = patterns_by_id()[code].category
    exact = {"special_tokens": "control_token", "prompt_injection": "override"}
    return (exact[category], "injection") if category in exact else ("injection",)


if __name__ == "__main__":
    sys.exit(main())
