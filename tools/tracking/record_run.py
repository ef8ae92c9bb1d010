"""The final word on a run: everything MLflow should have of it, in the folder's one MLflow run.

Continues the run that `live_run` began, or makes one; brings in the metrics that waited; adds the
final metrics, the dataset and the artifacts; and ends the run. Called again it changes nothing.

Not covered: the model registry (`registry`).
"""

import math
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import TrackingError
from tools.tracking.metrics_file import read_lines, read_link, write_link
from tools.tracking.mlflow_run import RunDescription, continue_run, log_lines, mlflow_name
from tools.tracking.send_unsent import forget_unsent
from tools.tracking.store import TrackingStore, plain_errors, time_for_files

if TYPE_CHECKING:
    from mlflow import MlflowClient


class RecordReport(BaseModel):
    """What `record_run` left in MLflow."""

    model_config = ConfigDict(frozen=True)

    mlflow_run_id: str
    experiment: str
    metrics_logged: int = Field(description="Lines of `metrics.jsonl` plus final metrics.")
    artifacts: tuple[str, ...] = Field(description="Where the artifacts are in the run.")


def record_run(
    store: TrackingStore,
    run_folder: Path,
    *,
    about: RunDescription,
    metrics: Mapping[str, float],
    artifacts: Mapping[str, Path],
) -> RecordReport:
    """Complete the MLflow run of `run_folder` and end it as FINISHED.

    Args:
        store: Where to record.
        run_folder: The folder of the training run, with or without `metrics.jsonl`.
        about: What the run should say of itself.
        metrics: The final metrics.
        artifacts: Files and folders by where they go: `{"adapter": folder}` puts the folder's
            content below `adapter/`, `{"verdict.json": file}` the file at the top.

    Raises:
        TrackingError: The store cannot be reached, or an artifact is missing.
    """
    missing = [where for where, path in artifacts.items() if not path.exists()]
    if missing:
        raise TrackingError(f"The run cannot be recorded: {', '.join(missing)} is not there.")
    lines = read_lines(run_folder)
    with plain_errors("The run cannot be recorded"):
        opened = store.open()
        save = partial(write_link, run_folder)
        link = continue_run(opened, read_link(run_folder), about=about, save=save)
        link = log_lines(opened, link, lines=lines[link.lines_logged :], save=save)
        run_id = link.mlflow_run_id
        assert run_id is not None
        last_step = max((line.step for line in lines), default=0)
        _log_final_metrics(opened.client, run_id, metrics=metrics, step=last_step)
        with time_for_files():
            for where, path in artifacts.items():
                _log_artifact(opened.client, run_id, where=PurePosixPath(where), path=path)
        opened.client.set_terminated(run_id, "FINISHED")
    forget_unsent(run_folder)
    return RecordReport(
        mlflow_run_id=run_id,
        experiment=store.experiment,
        metrics_logged=link.lines_logged + len(metrics),
        artifacts=tuple(artifacts),
    )


def _log_final_metrics(
    client: "MlflowClient", run_id: str, *, metrics: Mapping[str, float], step: int
) -> None:
    """Log what is not there yet: MLflow would keep a value that is logged twice as two."""
    there = client.get_run(run_id).data.metrics
    for name, value in metrics.items():
        if not _same(there.get(mlflow_name(name)), value):
            client.log_metric(run_id, mlflow_name(name), value, step=step)


def _same(stored: float | None, value: float) -> bool:
    if stored is None or math.isnan(stored) or math.isnan(value):
        return stored is not None and math.isnan(stored) and math.isnan(value)
    # MLflow's database keeps an infinite value as the largest number.
    return stored == max(-sys.float_info.max, min(sys.float_info.max, value))


def _log_artifact(client: "MlflowClient", run_id: str, *, where: PurePosixPath, path: Path) -> None:
    if path.is_dir():
        client.log_artifacts(run_id, str(path), str(where))
        return
    folder = where.parent if where.name == path.name else where
    client.log_artifact(run_id, str(path), None if folder == PurePosixPath() else str(folder))
