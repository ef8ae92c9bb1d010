"""Stream the metrics of a training run to MLflow while it runs, never on the training thread.

The training thread appends a line to `metrics.jsonl` and puts it in a queue; that is all it ever
waits for. One background thread loads MLflow, makes or continues the run and sends what is in the
queue. While the store is down or hangs, it tries again at growing intervals. What MLflow does not
have when the run is closed stays in `metrics.jsonl`, and `record_run` logs it later.

Not covered: artifacts and final metrics (`record_run`).
"""

import threading
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import TrackingError
from tools.tracking.metrics_file import (
    MetricLine,
    MetricsFile,
    TrackingLink,
    read_link,
    write_link,
)
from tools.tracking.mlflow_run import RunDescription, continue_run, log_lines
from tools.tracking.store import OpenStore, TrackingStore, plain_errors

RunStatus = Literal["FINISHED", "FAILED", "KILLED"]
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1.0, 30.0
# Values that come within this time go in one request.
_GATHER_SECONDS = 0.2


class LiveRunReport(BaseModel):
    """What MLflow has of a run, and what still waits in `metrics.jsonl`."""

    model_config = ConfigDict(frozen=True)

    mlflow_run_id: str | None
    metrics_logged: int = Field(ge=0)
    metrics_waiting: int = Field(ge=0)
    problem: str | None = Field(description="Why metrics wait, if they do.")


class LiveRun:
    """Takes the metrics of one training run. Make it with `LiveRun.start`."""

    def __init__(self, sender: "_Sender", file: MetricsFile) -> None:
        self._sender = sender
        self._file = file

    @classmethod
    def start(cls, store: TrackingStore, run_folder: Path, *, about: RunDescription) -> Self:
        """Begin or resume the run of `run_folder`, and return before MLflow is even loaded.

        Raises:
            TrackingError: `run_folder` cannot be written. The store is not looked at here.
        """
        file = MetricsFile(run_folder)
        sender = _Sender(store, run_folder, about=about, earlier=file.earlier)
        sender.start()
        return cls(sender, file)

    def metric(self, name: str, value: float, step: int) -> None:
        """Take one value. A step of `name` that is already there is left out.

        Raises:
            TrackingError: The value cannot be written to the run folder.
        """
        line = self._file.append(name, value, step)
        if line is not None:
            self._sender.queue.put(line)

    def close(self, status: RunStatus = "FINISHED", *, within_seconds: float = 10) -> LiveRunReport:
        """End the run with `status`, giving MLflow that long to take what waits."""
        self._file.close()
        self._sender.finish(status, within_seconds)
        link = self._sender.link
        return LiveRunReport(
            mlflow_run_id=link.mlflow_run_id,
            metrics_logged=link.lines_logged,
            metrics_waiting=max(0, self._file.lines - link.lines_logged),
            problem=self._sender.problem,
        )


class _Sender:
    """The background thread and what it shares with the training thread."""

    def __init__(
        self,
        store: TrackingStore,
        run_folder: Path,
        *,
        about: RunDescription,
        earlier: list[MetricLine],
    ) -> None:
        self.queue: SimpleQueue[MetricLine | RunStatus] = SimpleQueue()
        self.link = read_link(run_folder)
        self.problem: str | None = None
        self._store, self._run_folder, self._about = store, run_folder, about
        self._pending = [*earlier]
        self._open: OpenStore | None = None
        self._status: RunStatus | None = None
        self._closing = threading.Event()
        self._abandoned = False
        self._saving = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="mlflow-metrics", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def finish(self, status: RunStatus, within_seconds: float) -> None:
        """Send what there is and end the run; after that long, leave it at that."""
        self.queue.put(status)
        self._closing.set()
        self._thread.join(within_seconds)
        with self._saving:
            self._abandoned = True
        if self._thread.is_alive() and self.problem is None:
            self.problem = "MLflow has not answered yet."

    def _work(self) -> None:
        try:
            self._send_until_closed()
        except Exception as error:  # a fault of ours must not end unseen with its thread
            self.problem = f"The metrics are not in MLflow ({type(error).__name__})."

    def _send_until_closed(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._abandoned:
            self._gather()
            ending = self._status is not None
            try:
                with plain_errors("The metrics are not in MLflow yet"):
                    self._send()
            except TrackingError as error:
                self.problem = str(error)
                if not ending:
                    self._closing.wait(pause_seconds)
                    pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
            else:
                self.problem = None
                pause_seconds = _FIRST_PAUSE_SECONDS
            if ending:
                return

    def _gather(self) -> None:
        """Take what is in the queue. With all sent, wait for something to come."""
        if self._open and not self._pending:
            self._take(self.queue.get())
            self._closing.wait(_GATHER_SECONDS)
        with suppress(Empty):
            while True:
                self._take(self.queue.get_nowait())

    def _take(self, item: MetricLine | RunStatus) -> None:
        if isinstance(item, MetricLine):
            self._pending.append(item)
        else:
            self._status = item

    def _send(self) -> None:
        if self._open is None:
            opened = self._store.open()
            # Nothing was sent before now, so the pending lines are the whole file.
            link = continue_run(opened, self.link, about=self._about, save=self._save)
            del self._pending[: link.lines_logged]
            self._open = opened
        before = self.link.lines_logged
        try:
            log_lines(self._open, self.link, lines=self._pending, save=self._save)
        finally:
            del self._pending[: self.link.lines_logged - before]
        if self._status is not None:
            assert self.link.mlflow_run_id is not None
            self._open.client.set_terminated(self.link.mlflow_run_id, self._status)

    def _save(self, link: TrackingLink) -> None:
        with self._saving:
            if self._abandoned:
                raise TrackingError("The run was closed in the meantime.")
            write_link(self._run_folder, link)
            self.link = link
