"""Earlier runs with their metrics, to compare a new one with."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from tools.tracking.registry import MODEL_TAG
from tools.tracking.store import OpenStore, TrackingStore, plain_errors

if TYPE_CHECKING:
    from mlflow.entities import Run

_RUNS_PER_REQUEST = 200


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


def earlier_runs(
    store: TrackingStore,
    *,
    model: str | None = None,
    tags: Mapping[str, str] | None = None,
    limit: int = 20,
) -> tuple[EarlierRun, ...]:
    """Return the newest runs that were registered as `model` and have `tags`, newest first.

    Raises:
        TrackingError: The store cannot be reached.
    """
    wanted = {**(tags or {}), **({MODEL_TAG: model} if model else {})}
    with plain_errors("The earlier runs cannot be listed"):
        fitting = (
            run for run in _all_runs(store.open()) if wanted.items() <= run.data.tags.items()
        )
        return tuple(_earlier(run) for run in islice(fitting, limit))


def _all_runs(store: OpenStore) -> "Iterator[Run]":
    page = None
    while True:
        found = store.client.search_runs(
            [store.experiment_id],
            max_results=_RUNS_PER_REQUEST,
            order_by=["attributes.start_time DESC"],
            page_token=page,
        )
        yield from found
        page = found.token
        if not page:
            return


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
