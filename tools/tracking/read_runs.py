"""Read runs and curves from an MLflow server over its REST interface, without loading MLflow.

A web server that only shows runs need not carry a library that takes seconds to load.

Not covered: writing, and stores without a server.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import TrackingError

_SECONDS = 5
_POINTS = 5000  # of a curve


class RunPublic(BaseModel):
    """One run, as a list shows it."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    name: str
    status: str
    started_at: datetime | None
    params: dict[str, str]
    metrics: dict[str, float] = Field(description="The last value of each.")
    tags: dict[str, str] = Field(description="Without MLflow's own.")
    url: str = Field(description="Where the MLflow UI shows it.")


class CurvePoint(BaseModel):
    """A metric at a step."""

    model_config = ConfigDict(frozen=True)

    step: int
    value: float


def read_runs(
    server: str, experiment: str, *, tags: Mapping[str, str], limit: int = 50
) -> list[RunPublic]:
    """Return the newest runs of `experiment` that have `tags`, the newest first.

    Raises:
        TrackingError: The server cannot be reached, or answers nonsense.
    """
    with _understanding():
        return _read_runs(server, experiment, tags, limit)


def _read_runs(
    server: str, experiment: str, tags: Mapping[str, str], limit: int
) -> list[RunPublic]:
    found = _get(server, "experiments/get-by-name", {"experiment_name": experiment})
    if found is None:
        return []
    experiment_id = found["experiment"]["experiment_id"]
    asked = {
        "experiment_ids": [experiment_id],
        "filter": " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items()),
        "max_results": limit,
        "order_by": ["attributes.start_time DESC"],
    }
    answer = _call(server, "POST", "runs/search", json=asked) or {}
    return [_run(server, experiment_id, one) for one in answer.get("runs", ())]


def read_curve(server: str, run_id: str, metric: str) -> list[CurvePoint]:
    """Return the metric of the run by step.

    Raises:
        TrackingError: The server cannot be reached, or answers nonsense.
    """
    asked = {"run_id": run_id, "metric_key": metric, "max_results": str(_POINTS)}
    with _understanding():
        answer = _get(server, "metrics/get-history", asked) or {}
        points = [CurvePoint(step=one.get("step", 0), value=one["value"]) for one in _rows(answer)]
    return sorted(points, key=lambda point: point.step)


@contextmanager
def _understanding() -> Iterator[None]:
    """Whoever answers at the address may be no MLflow at all."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise TrackingError("What answers as MLflow makes no sense. Is it MLflow?") from error


def _rows(answer: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """Return the metrics that are numbers: MLflow writes the others as text."""
    listed = answer.get("metrics", ())
    return [
        one for one in listed if isinstance(one["value"], int | float) and isfinite(one["value"])
    ]


def _run(server: str, experiment_id: str, one: Mapping[str, Any]) -> RunPublic:
    info, data = one["info"], one.get("data", {})
    tags = {tag["key"]: tag["value"] for tag in data.get("tags", ())}
    started = info.get("start_time")
    return RunPublic(
        run_id=info["run_id"],
        name=info.get("run_name") or tags.get("mlflow.runName", info["run_id"][:8]),
        status=str(info.get("status", "")).lower(),
        started_at=datetime.fromtimestamp(started / 1000, UTC) if started else None,
        params={param["key"]: param["value"] for param in data.get("params", ())},
        metrics={metric["key"]: metric["value"] for metric in _rows(data)},
        tags={key: value for key, value in tags.items() if not key.startswith("mlflow.")},
        url=f"{_shown(server)}/#/experiments/{experiment_id}/runs/{info['run_id']}",
    )


def _shown(server: str) -> str:
    """Return the address without the password that may stand in it."""
    scheme, _, rest = server.rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _get(server: str, path: str, query: Mapping[str, str]) -> dict[str, Any] | None:
    return _call(server, "GET", path, params=query)


def _call(server: str, method: str, path: str, **body: Any) -> dict[str, Any] | None:
    """Return the answer; None when there is no such thing."""
    import httpx2

    try:
        answer = httpx2.request(
            method, f"{server.rstrip('/')}/api/2.0/mlflow/{path}", timeout=_SECONDS, **body
        )
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        raise TrackingError("MLflow cannot be reached. Is its server running?") from error
