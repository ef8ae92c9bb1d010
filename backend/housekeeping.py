"""What the server does from time to time: send what MLflow missed, and forget what is old."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from backend.clock import Clock
from backend.jobs.forget_old import forget_old
from backend.send_unsent import idle_unsent
from backend.settings import Settings, worker_environment

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[1]
_BETWEEN_SECONDS = 30.0
_LONGEST_SECONDS = 900.0  # between two attempts to send
_FORGET_SECONDS = 3600.0
_SENDER_SECONDS = 1800.0  # an MLflow that answers a byte at a time is given up


class Housekeeping:
    """Works in a thread of its own until it is stopped."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        *,
        clock: Clock,
        mlflow_answers: Callable[[], bool],
        between_seconds: float = _BETWEEN_SECONDS,
    ) -> None:
        self._settings, self._engine, self._clock = settings, engine, clock
        self._mlflow_answers = mlflow_answers
        self._between = self._pause = between_seconds
        self._stop = threading.Event()
        self._sender: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._work, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; what is not sent yet is sent after the next start."""
        self._stop.set()
        if self._sender is not None:
            self._sender.terminate()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _work(self) -> None:
        until_forgetting = 0.0
        while not self._stop.wait(self._pause):
            until_forgetting -= self._pause
            try:
                if until_forgetting <= 0:
                    self._forget()
                    until_forgetting = _FORGET_SECONDS
                self._send()
            except (OSError, SQLAlchemyError):
                logger.warning("Housekeeping failed; trying again.", exc_info=True)
            except Exception:
                logger.exception("Housekeeping failed; trying again.")

    def _forget(self) -> None:
        days, data_dir = self._settings.keep_days, self._settings.data_dir
        events = forget_old(self._engine, data_dir, now=self._clock(), days=days)
        if events:
            logger.info("Forgot %d events of jobs that ended %d days ago.", events, days)

    def _send(self) -> None:
        """Send in a process of its own; the pause grows while it does not work."""
        if not idle_unsent(self._engine, self._settings.data_dir) or not self._mlflow_answers():
            self._pause = self._between
            return
        command = [sys.executable, "-m", "backend.send_unsent"]
        environment = worker_environment(self._settings)
        with subprocess.Popen(command, cwd=_ROOT, env=environment) as self._sender:
            if self._stop.is_set():  # `stop` came before there was one to end
                self._sender.terminate()
            sent = self._ended_well(self._sender)
        self._pause = self._between if sent else min(2 * self._pause, _LONGEST_SECONDS)

    @staticmethod
    def _ended_well(sender: "subprocess.Popen[bytes]") -> bool:
        try:
            return sender.wait(_SENDER_SECONDS) == 0
        except subprocess.TimeoutExpired:
            sender.kill()
            return False
