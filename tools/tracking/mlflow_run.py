"""The MLflow run that belongs to a run folder: find or make it, and log to it without repeats.

The run carries a key from `tracking.json` that is written before the run is made. When the answer
to "create" is lost, the next try finds the run by its key instead of making a second one. Metrics
carry the time of `metrics.jsonl`, so MLflow itself drops what it is sent twice.

Not covered: threads and time limits (`live_run`), artifacts (`record_run`).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from tools.tracking.metrics_file import MetricLine, TrackingLink
from tools.tracking.store import OpenStore

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

Save = Callable[[TrackingLink], None]

KEY_TAG = "crewtune.run_key"
# MLflow takes 1,000 metrics, and 100 params or tags, in one request.
_METRICS_PER_REQUEST = 500
_PARAMS_PER_REQUEST = 100
_PARAM_LENGTH, _TAG_LENGTH, _DIGEST_LENGTH = 6000, 8000, 36


class DatasetInput(BaseModel):
    """The dataset a run was trained on."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    rows: int = Field(ge=0)
    source: str = Field(description="Where it came from, as the user would say it.")


class RunDescription(BaseModel):
    """What is known of a run before it starts."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(description="Name of the run in MLflow.")
    params: Mapping[str, object] = Field(
        description="What the run is made with. A param that is there already stays."
    )
    tags: Mapping[str, str] = Field(description="What to find the run by.")
    dataset: DatasetInput


def continue_run(
    store: OpenStore, link: TrackingLink, *, about: RunDescription, save: Save
) -> TrackingLink:
    """Return the link to an MLflow run that is open and described: the one of `link`, or a new one.

    Args:
        store: Where the run is.
        link: What the run folder says.
        about: What the run should say of itself.
        save: Writes a changed link to the run folder.
    """
    run = _known_run(store.client, link)
    if run is None:
        run = _run_with_key(store, link.key) or _new_run(store, link.key, about.name)
        # Of a run found by its key it is not known what it has; MLflow drops the repeats.
        link = TrackingLink(key=link.key, mlflow_run_id=run.info.run_id)
        save(link)
    if run.info.status != "RUNNING":
        store.client.update_run(run.info.run_id, status="RUNNING")
    _describe(store.client, run, about)
    return link


def log_lines(
    store: OpenStore, link: TrackingLink, *, lines: Sequence[MetricLine], save: Save
) -> TrackingLink:
    """Log `lines`, which follow the ones that are logged, and save the count after each batch."""
    from mlflow.entities import Metric

    assert link.mlflow_run_id is not None
    for start in range(0, len(lines), _METRICS_PER_REQUEST):
        batch = lines[start : start + _METRICS_PER_REQUEST]
        metrics = [Metric(mlflow_name(one.name), one.value, one.time, one.step) for one in batch]
        store.client.log_batch(link.mlflow_run_id, metrics=metrics)
        link = link.model_copy(update={"lines_logged": link.lines_logged + len(batch)})
        save(link)
    return link


def mlflow_name(name: str) -> str:
    """Return `name` as MLflow takes it: no signs but a few, and no path that leads elsewhere."""
    parts = re.sub(r"[^\w./ -]", "_", name)[:250].split("/")
    return "/".join(part for part in parts if part.strip(".")) or "unnamed"


def _known_run(client: "MlflowClient", link: TrackingLink) -> "Run | None":
    from mlflow.exceptions import MlflowException

    if link.mlflow_run_id is None:
        return None
    try:
        run = client.get_run(link.mlflow_run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return run if run.info.lifecycle_stage == "active" else None


def _run_with_key(store: OpenStore, key: str) -> "Run | None":
    """Return the run with `key`. Of two, made when an answer came too late, one is removed."""
    found = store.client.search_runs([store.experiment_id], f"tags.`{KEY_TAG}` = '{key}'")
    runs = sorted(found, key=lambda run: str(run.info.run_id))
    for twin in runs[1:]:
        store.client.delete_run(twin.info.run_id)
    return runs[0] if runs else None


def _new_run(store: OpenStore, key: str, name: str) -> "Run":
    made = store.client.create_run(store.experiment_id, tags={KEY_TAG: key}, run_name=name)
    return _run_with_key(store, key) or made


def _describe(client: "MlflowClient", run: "Run", about: RunDescription) -> None:
    """Add the params, tags and dataset that the run lacks. MLflow never changes a param."""
    from mlflow.entities import Param, RunTag

    params = [
        Param(key, str(value)[:_PARAM_LENGTH])
        for key, value in ((mlflow_name(key), value) for key, value in about.params.items())
        if key not in run.data.params
    ]
    tags = {**about.tags, "dataset_sha256": about.dataset.sha256}
    client.log_batch(
        run.info.run_id,
        tags=[RunTag(mlflow_name(key), text[:_TAG_LENGTH]) for key, text in tags.items()],
    )
    for start in range(0, len(params), _PARAMS_PER_REQUEST):
        client.log_batch(run.info.run_id, params=params[start : start + _PARAMS_PER_REQUEST])
    if run.inputs is None or not run.inputs.dataset_inputs:
        _log_dataset(client, run.info.run_id, about.dataset)


def _log_dataset(client: "MlflowClient", run_id: str, dataset: DatasetInput) -> None:
    from mlflow.entities import Dataset, InputTag
    from mlflow.entities import DatasetInput as MlflowInput

    entry = Dataset(
        name=dataset.name,
        digest=dataset.sha256[:_DIGEST_LENGTH],
        source_type="local",
        source=json.dumps({"uri": dataset.source}),
        profile=json.dumps({"num_rows": dataset.rows, "sha256": dataset.sha256}),
    )
    client.log_inputs(run_id, [MlflowInput(entry, [InputTag("mlflow.data.context", "training")])])
