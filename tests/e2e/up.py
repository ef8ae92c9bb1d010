"""The studio as `make up` starts it: three servers on free ports, over a folder of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
PASSWORD = "a quiet river runs north"


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@dataclass
class Up:
    """A studio that runs."""

    folder: Path
    ports: dict[str, int]
    environment: dict[str, str]
    lines: list[str] = field(default_factory=list)
    process: "subprocess.Popen[str] | None" = None

    def url(self, service: str) -> str:
        """Return the address of `api`, `ui` or `mlflow`."""
        return f"http://127.0.0.1:{self.ports[service]}"

    @property
    def setup_code(self) -> str:
        """The code that the start printed."""
        found = re.search(r"with this code, once: (\S+)", "\n".join(self.lines))
        assert found, self.lines
        return found[1]

    def start(self) -> None:
        """Start it and wait until it says that it listens."""
        started = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backend.up"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        process = self.process

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                self.lines.append(line.rstrip())
                if "Ctrl-C stops all of them" in line:
                    started.set()
            started.set()

        threading.Thread(target=read, daemon=True).start()
        assert started.wait(150), self.lines
        assert process.poll() is None, self.lines

    def stop(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)

    def end_workers(self) -> None:
        """End the jobs' processes, which by design outlive the studio."""
        place = str(self.folder / "data")
        for process in psutil.process_iter(["cmdline"]):
            with suppress(psutil.Error):
                ours = "backend.jobs.worker" in (process.info["cmdline"] or ())
                if ours and process.environ().get("CREWTUNE_DATA_DIR") == place:
                    os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def studio_up(folder: Path, **settings: str) -> Iterator[Up]:
    """Start a studio below `folder`, and stop it in the end."""
    ports = dict(zip(("api", "ui", "mlflow"), free_ports(3), strict=True))
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {
        **kept,
        "CREWTUNE_DATA_DIR": str(folder / "data"),
        "CREWTUNE_MLRUNS_DIR": str(folder / "mlruns"),
        "HF_HUB_OFFLINE": "1",
        **{f"CREWTUNE_{name.upper()}_PORT": str(port) for name, port in ports.items()},
        **settings,
    }
    up = Up(folder, ports, environment)
    up.start()
    try:
        yield up
    finally:
        if up.process is not None and up.process.poll() is None:
            up.stop()
        up.end_workers()
