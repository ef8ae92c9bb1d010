"""Show a training to the user and to MLflow at once, without the training waiting for either."""

from collections.abc import Iterator
from contextlib import contextmanager

from agents.desk import Desk
from agents.record import describe_run
from tools.progress import Cancelled, Progress
from tools.tracking.live_run import LiveRun, RunStatus


class _Both:
    """A `Progress` that also hands every metric to the live run."""

    def __init__(self, progress: Progress, live: LiveRun) -> None:
        self._progress, self._live = progress, live
        self.log, self.sample = progress.log, progress.sample
        self.percent, self.check = progress.percent, progress.check

    def metric(self, name: str, value: float, step: int) -> None:
        """Tell both."""
        self._progress.metric(name, value, step)
        self._live.metric(name, value, step)


@contextmanager
def watched(desk: Desk) -> Iterator[Progress]:
    """Yield a `Progress` that streams metrics to MLflow while a training runs."""
    live = LiveRun.start(desk.studio.store, desk.folder, about=describe_run(desk))
    status: RunStatus = "FAILED"
    try:
        yield _Both(desk.studio.progress, live)
        status = "FINISHED"
    except Cancelled:
        status = "KILLED"
        raise
    finally:
        report = live.close(status)
        if report.problem:
            desk.studio.progress.log(f"MLflow: {report.problem} The record is kept in the run.")
