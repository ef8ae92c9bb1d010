"""Run jobs as processes of this machine that outlive the program that started them.

A process is known by its id and the moment it began: an id alone is soon another's.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import psutil

from backend.jobs.spare_worker import Order, SpareWorker

_ROOT = Path(__file__).parents[2]


class Runner(Protocol):
    """Where jobs run."""

    def start(self, job_id: UUID, token: int, *, trains: bool = False) -> Mapping[str, Any]:
        """Begin the job's work, which needs the training stack or not; return where it runs."""

    def expect_training(self) -> None:
        """Make ready what can be made ready: a job that trains is likely soon."""

    def knows(self, worker: Mapping[str, Any]) -> bool:
        """Return whether this runner can see and end that worker."""

    def alive(self, worker: Mapping[str, Any]) -> bool:
        """Return whether the worker still runs."""

    def kill(self, worker: Mapping[str, Any]) -> None:
        """End the worker and whatever it started, at once."""


class LocalRunner:
    """Runs each job in a process of its own, the leader of a session of its own."""

    def __init__(
        self, environment: Mapping[str, str], logs: Path, *, idle_seconds: float = 0
    ) -> None:
        """Keep what every worker gets.

        Args:
            environment: All that a worker may know; it inherits nothing.
            logs: Folder of the workers' output, a file a job.
            idle_seconds: How long a worker that is ready waits for a job that trains.
        """
        self._environment = dict(environment)
        self._logs = logs
        self._spare = SpareWorker(environment, idle_seconds)

    def start(self, job_id: UUID, token: int, *, trains: bool = False) -> Mapping[str, Any]:
        """Begin the job's work, by the worker that is ready where there is one."""
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{job_id}.log"
        child = self._spare.give(Order(job_id, token), log) if trains else None
        child = child or self._start(job_id, token, log)
        # Someone has to take note of its end, or it stays in the process table.
        threading.Thread(target=child.wait, name=f"wait {child.pid}", daemon=True).start()
        return describe_process(child.pid)

    def expect_training(self) -> None:
        """Have a worker ready for a while."""
        self._spare.expect()

    def _start(self, job_id: UUID, token: int, log: Path) -> subprocess.Popen[str]:
        with log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "backend.jobs.worker", str(job_id), str(token)],
                cwd=_ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
                # A session of its own: Ctrl-C at the server and its end do not reach it.
                start_new_session=True,
            )

    def knows(self, worker: Mapping[str, Any]) -> bool:
        """Return whether the worker is a process of this machine."""
        return worker.get("host") == socket.gethostname() and "pid" in worker

    def alive(self, worker: Mapping[str, Any]) -> bool:
        """Return whether the process still runs; one whose end nobody noted yet does not."""
        try:
            process = psutil.Process(worker["pid"])
            same = abs(process.create_time() - worker["began"]) < 1
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def kill(self, worker: Mapping[str, Any]) -> None:
        """End the process and its group. A stopped one ends too."""
        if self.alive(worker):
            try:
                os.killpg(worker["pid"], signal.SIGKILL)
            except ProcessLookupError:
                return


def describe_process(pid: int) -> dict[str, Any]:
    """Return what `LocalRunner` finds the process again by."""
    try:
        began = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        began = 0.0
    return {"host": socket.gethostname(), "pid": pid, "began": began}
