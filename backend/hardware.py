"""Know this machine without loading what trains on it: a process looks, once, and goes.

`python -m backend.hardware <folder>` is that process.
"""

import logging
import subprocess
import sys
import threading
from pathlib import Path

from pydantic import ValidationError

from tools.training.probe_hardware import HardwareReport, probe_hardware

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[1]
_SECONDS = 120


class Hardware:
    """What the machine offers; `report` is None while it is being looked at."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.report: HardwareReport | None = None
        self._folder = folder.resolve()
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = environment

    def look(self) -> None:
        """Begin to look, and return at once."""
        threading.Thread(target=self._look, name="hardware", daemon=True).start()

    def close(self) -> None:
        """Stop looking."""
        if self._process is not None:
            self._process.kill()

    def _look(self) -> None:
        command = [sys.executable, "-m", "backend.hardware", str(self._folder)]
        try:
            with subprocess.Popen(
                command,
                cwd=_ROOT,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            ) as self._process:
                told, _ = self._process.communicate(timeout=_SECONDS)
            self.report = HardwareReport.model_validate_json(told)
        except (OSError, subprocess.SubprocessError, ValidationError):
            logger.warning("The hardware could not be looked at.")


if __name__ == "__main__":
    sys.stdout.write(probe_hardware(Path(sys.argv[1])).model_dump_json())
