"""The benchmarks run, and their exit code says whether a bound was kept. No test asks how fast."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figures import Delays

ROOT = Path(__file__).parents[2]
LOOSE, IMPOSSIBLE = "1000000", "0"


def test_each_percentile_is_a_delay_that_was_measured() -> None:
    delays = Delays.of([one / 1000 for one in range(200, 0, -1)])

    assert delays == Delays(count=200, median=100, p95=190, p99=198, longest=200)


@pytest.mark.prove
@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("reads", "--seconds", "2", "--p95-ms", LOOSE), 0),
        (("streams", "--seconds", "2", "--streams", "60", "--p99-ms", LOOSE), 0),
        (("sign_ins", "--seconds", "2", "--p99-ms", IMPOSSIBLE), 1),
    ],
    ids=lambda given: given[0] if isinstance(given, tuple) else "",
)
def test_a_benchmark_measures_both_sides_and_judges(command: tuple[str, ...], code: int) -> None:
    name, *given = command
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == code, done.stderr
    assert "ratio" in done.stdout
    assert done.stdout.rstrip().endswith("MISSED" if code else "kept")
