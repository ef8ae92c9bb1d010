"""Many rows take little memory, and their repeats go as fast as `datasets` takes them out.

200,000 rows stand for the million, with the bound of memory that the million has above what the
program takes by itself in proportion; `python -m benchmarks.million_rows` does all of them.
"""

import subprocess
import sys
from pathlib import Path

import pytest

ROWS = 200_000
BOUND_MIB = 1536 * ROWS // 1_000_000 + 60
ROOT = Path(__file__).parents[3]


@pytest.mark.prove
def test_200000_rows_are_imported_checked_and_compared_in_little_memory_and_time() -> None:
    command = ["-m", "benchmarks.million_rows", f"--rows={ROWS}", f"--bound-mib={BOUND_MIB}"]

    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=600
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("180,000 |") == 3
