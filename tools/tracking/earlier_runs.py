"""Earlier runs with their metrics, to compare a new one with."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from tools.tracking.registry import MODEL_TAG, check_names
from tools.tracking.store import TrackingStore, plain_errors

if TYPE_CHECKING:
    from mlflow.entities import Run


class EarlierRun(BaseModel):
    """One run of the experiment."""

    model_config = ConfigDict(frozen=True)

    mlflow_run_id: str
    name: str
    status: str
    started: datetime
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def earlier_runs(store: TrackingStore, *, model: str, limit: int) -> tuple[EarlierRun, ...]:
    """Return the newest runs of the registered model `model`, at most `limit`, newest first.

    Raises:
        TrackingError: The store cannot be reached, or `model` is not a name.
    """
    check_names(model)
    with plain_errors("The earlier runs cannot be listed"):
        opened = store.open()
        found = opened.client.search_runs(
            [opened.experiment_id],
            f"tags.`{MODEL_TAG}` = '{model}'",
            max_results=limit,
            order_by=["attributes.start_time DESC"],
        )
    return tuple(_earlier(run) for run in found)


def _earlier(run: "Run") -> EarlierRun:
    return EarlierRun(
        mlflow_run_id=run.info.run_id,
        name=run.info.run_name or "",
        status=run.info.status,
        started=datetime.fromtimestamp(run.info.start_time / 1000, UTC),
        params=run.data.params,
        metrics=run.data.metrics,
        tags={key: value for key, value in run.data.tags.items() if not key.startswith("mlflow.")},
    )
