"""A worker that has loaded the training stack and waits for a job, so that it begins at once.

One is kept for the jobs that train or answer, as soon as one is likely. It waits a while and goes
by itself; it also goes when the server that keeps it does. A job it is given is its last, as with
any other worker.

Not covered: what it does with the job (`worker.py`).
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from select import select
from typing import NamedTuple
from uuid import UUID

_ROOT = Path(__file__).parents[2]
# What a training takes longest to import.
_TRAINING_STACK = (
    "torch",
    "transformers.models.llama.modeling_llama",
    "peft",
    "safetensors.torch",
)


class Order(NamedTuple):
    """The job that a spare worker is given."""

    job_id: UUID
    token: int


class SpareWorker:
    """Keeps one process that waits, while a job for it is likely."""

    def __init__(self, environment: Mapping[str, str], idle_seconds: float) -> None:
        """Keep what the process gets.

        Args:
            environment: All that a worker may know.
            idle_seconds: How long it waits for a job; with 0 there is never one.
        """
        self._environment, self._idle_seconds = dict(environment), idle_seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def expect(self) -> None:
        """Have a process wait: a job is likely soon."""
        with self._lock:
            if self._idle_seconds and (self._process is None or self._process.poll() is not None):
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "backend.jobs.worker",
                        "--spare",
                        str(self._idle_seconds),
                    ],
                    cwd=_ROOT,
                    env=self._environment,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    text=True,
                    start_new_session=True,
                )
                # Someone has to take note of its end, or it stays in the process table.
                threading.Thread(target=self._process.wait, daemon=True).start()

    def give(self, order: Order, log: Path) -> subprocess.Popen[str] | None:
        """Give the waiting process its job, and return it; None when nobody waits."""
        with self._lock:
            process, self._process = self._process, None
        if process is None or process.poll() is not None or process.stdin is None:
            return None
        try:
            process.stdin.write(json.dumps([str(order.job_id), order.token, str(log)]) + "\n")
            process.stdin.close()
        except OSError:  # it went just now
            return None
        return process


def await_order(idle_seconds: float) -> Order | None:
    """Load the training stack and wait for a job; None when there was none for so long.

    What the process says from then on goes to the job's log.
    """
    _load_training_stack()
    ready, _, _ = select([sys.stdin], [], [], idle_seconds)
    line = sys.stdin.readline() if ready else ""
    if not line:  # nobody came, or the server has gone
        return None
    job_id, token, log = json.loads(line)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(descriptor, sys.stdout.fileno())
    os.dup2(descriptor, sys.stderr.fileno())
    os.close(descriptor)
    return Order(UUID(job_id), int(token))


def _load_training_stack() -> None:
    for name in _TRAINING_STACK:
        import_module(name)
