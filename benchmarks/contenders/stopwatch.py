"""Time the steps of a training, with nothing that is not in every Python.

Each contender tells when a step begins and ends; what is done between steps does not count. The
first step, which warms everything up, counts for the start alone.
"""

import json
import resource
import sys
import time
from pathlib import Path

_KIBIBYTES_PER_GIB = 2**20


class Stopwatch:
    """Notes when steps begin and end."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.first_step_after = 0.0
        self._began = 0.0

    def begin(self) -> None:
        """Note the beginning of a step."""
        self._began = time.perf_counter()

    def end(self) -> None:
        """Note its end."""
        if not self.seconds:
            self.first_step_after = time.time() - _process_began()
        self.seconds.append(time.perf_counter() - self._began)

    def tell(self, losses: list[float]) -> None:
        """Print what was measured as the last line of the standard output."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIBIBYTES_PER_GIB
        found = {
            "step_seconds": self.seconds,
            "first_step_after": self.first_step_after,
            "peak_gib": peak,
            "losses": losses,
        }
        sys.stdout.write("\n" + json.dumps(found) + "\n")


def _process_began() -> float:
    """Return when this process began, in seconds since the epoch."""
    fields = Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    ticks = int(fields[19])
    with Path("/proc/stat").open(encoding="ascii") as lines:
        boot = next(int(line.split()[1]) for line in lines if line.startswith("btime"))
    return boot + ticks / 100
