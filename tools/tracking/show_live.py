"""Show a training to the user and to MLflow at once, without the training waiting for either."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.progress import Cancelled, Progress
from tools.tracking.live_run import LiveRun, RunStatus
from tools.tracking.mlflow_run import RunDescription
from tools.tracking.send_unsent import forget_unsent, note_unsent
from tools.tracking.store import TrackingStore


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
def show_live(
    progress: Progress, store: TrackingStore, run_folder: Path, *, about: RunDescription
) -> Iterator[Progress]:
    """Yield a `Progress` that tells `progress`, and streams metrics to the run in `store`.

    What MLflow could not take stays in the run's folder; `record_run` or `send_unsent` sends it.
    """
    live = LiveRun.start(store, run_folder, about=about)
    status: RunStatus = "FAILED"
    try:
        note_unsent(run_folder, about, status)  # it stays when this process is killed
        yield _Both(progress, live)
        status = "FINISHED"
    except Cancelled:
        status = "KILLED"
        raise
    finally:
        report = live.close(status)
        if report.problem is None:
            forget_unsent(run_folder)
        else:
            with suppress(OSError):  # of a full disk the note from the beginning stays
                note_unsent(run_folder, about, status)
            progress.log(f"MLflow: {report.problem} The record is kept in the run.")
