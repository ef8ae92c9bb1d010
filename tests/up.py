"""The whole studio, started as a user starts it, over empty folders and on free ports."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
REQUESTS = ROOT / "data" / "samples" / "refrigeration_requests.jsonl"
PASSWORD = "four words nobody guesses"
_START_SECONDS = 180
_CODE = re.compile(r"once: (\S+)")


class UpStudio:
    """MLflow, the API and the UI. May be stopped and started again."""

    def __init__(self, folder: Path, model: Path) -> None:
        """Prepare one in `folder`, with a copy of the bundled model that lies in `model`."""
        self._folder = folder
        self.data = folder / "data"
        shutil.copytree(model, self.data / "models" / model.name)
        self._ports = {name: _free_port() for name in ("UI", "API", "MLFLOW")}
        self.ui, self.api, self.mlflow = (
            f"http://127.0.0.1:{port}" for port in self._ports.values()
        )
        self._child: subprocess.Popen[bytes] | None = None
        self.setup_code = ""

    def start(self) -> None:
        """Start it, and wait until it says that it answers."""
        said = self._folder / f"said-{time.monotonic_ns()}.txt"
        environment = {
            **os.environ,
            **{f"CREWTUNE_{name}_PORT": str(port) for name, port in self._ports.items()},
            "CREWTUNE_DATA_DIR": str(self.data),
            "CREWTUNE_MLRUNS_DIR": str(self._folder / "mlruns"),
        }
        with said.open("wb") as out:
            command = [sys.executable, "-m", "backend.up"]
            self._child = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=out, stderr=out
            )
        until = time.monotonic() + _START_SECONDS
        while "Ctrl-C stops" not in said.read_text(encoding="utf-8"):
            ended = self._child.poll() is not None or time.monotonic() > until
            assert not ended, f"The studio did not start:\n{said.read_text(encoding='utf-8')}"
            time.sleep(0.2)
        code = _CODE.search(said.read_text(encoding="utf-8"))
        self.setup_code = code.group(1) if code else ""

    def stop(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        assert self._child is not None
        self._child.send_signal(signal.SIGINT)
        return self._child.wait(timeout=60)

    def workers(self) -> list[psutil.Process]:
        """Return the processes that do jobs."""
        return [one for one in self._processes() if "backend.jobs.worker" in one.cmdline()]

    def close(self) -> None:
        """End it, and the jobs that a failed test left: they outlive the studio on purpose."""
        if self._child is not None and self._child.poll() is None:
            self.stop()
        for process in self._processes():
            process.kill()

    def _processes(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter(["environ"]):
            here = (process.info["environ"] or {}).get("CREWTUNE_DATA_DIR") == str(self.data)
            if here and process.pid != os.getpid():
                found.append(process)
        return found


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
