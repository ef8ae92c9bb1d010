"""The work: models to begin with, trainings, evaluations, crew runs, and what they came to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from crewtune.calls import Calls, part
from crewtune.frozen import Frozen
from crewtune.jobs import Job


class Model(Frozen):
    """A model that is here."""

    name: str
    kind: str = Field(description="bundled, local, cached or tuned.")
    parameters: int | None = None
    bytes: int | None = None
    base: str | None = Field(default=None, description="What a tuned one was made from.")
    job_id: UUID | None = Field(default=None, description="The training of a tuned one.")


class Found(Frozen):
    """A model or dataset on the Hub."""

    id: str
    downloads: int | None = None
    likes: int | None = None
    bytes: int | None = None
    licence: str | None = None
    gated: bool | str = False
    updated_at: datetime | None = None


class HubPage(Frozen):
    """What a search found."""

    found: tuple[Found, ...]
    note: str | None = Field(default=None, description="Says so when the Hub was not reached.")


class Recommendation(Frozen):
    """The result of a job of kind `recommend`.

    Example:
        job = studio.wait(studio.recommend("tiny-instruct", "requests").id)
        Recommendation.model_validate(job.result).reasons["learning_rate"]
    """

    recipe: dict[str, Any]
    reasons: dict[str, str] = Field(description="Why each field of the recipe has its value.")
    choices: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Of fields with one of a few words: those words."
    )
    estimated_memory_gib: float
    available_memory_gib: float
    fits: bool


class Experiment(Frozen):
    """One run as MLflow recorded it."""

    run_id: str
    name: str | None = None
    status: str
    started_at: datetime | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    metrics: dict[str, float | None] = Field(default_factory=dict)
    tags: dict[str, Any] = Field(default_factory=dict)
    url: str | None = Field(default=None, description="The run in MLflow's own pages.")


class Point(Frozen):
    """A value on a curve."""

    step: int
    value: float | None


class WorkCalls(Calls):
    """Models, trainings, evaluations, crew runs and experiments."""

    def models(self) -> list[Model]:
        """List the models that are here."""
        return self._connection.get(list[Model], "/api/models")

    def search_models(self, query: str, *, limit: int = 20) -> HubPage:
        """Search the Hub for models."""
        return self._connection.get(HubPage, "/api/hub/models", query=query, limit=limit)

    def search_datasets(self, query: str, *, limit: int = 20) -> HubPage:
        """Search the Hub for datasets."""
        return self._connection.get(HubPage, "/api/hub/datasets", query=query, limit=limit)

    def recommend(self, model: str, dataset: str, *, seed: int = 42) -> Job:
        """Ask for a recipe with the reason for each value: see `Recommendation`."""
        body = {"model": model, "dataset": dataset, "seed": seed}
        return self._connection.start(Job, "/api/trainings/recommendation", body)

    def train(
        self, model: str, dataset: str, *, recipe: dict[str, Any] | None = None, seed: int = 42
    ) -> Job:
        """Train an adapter with the recommended recipe and the changes in `recipe`.

        Example:
            job = studio.train("tiny-instruct", "requests", recipe={"learning_rate": 1e-4})
        """
        body = {"model": model, "dataset": dataset, "recipe": recipe or {}, "seed": seed}
        return self._connection.start(Job, "/api/trainings", body)

    def evaluate(self, training: UUID | str) -> Job:
        """Compare what a training job made with its base; the gate decides which is better."""
        return self._connection.start(Job, "/api/evaluations", {"training": str(training)})

    def start_crew(
        self, model: str, dataset: str, goal: str, *, shuffle_labels: bool = False, seed: int = 42
    ) -> Job:
        """Let the four agents repair the data, train, prove and record.

        Example:
            studio.start_crew("tiny-instruct", "requests", "Answer service requests as JSON.")
        """
        body = {
            "model": model,
            "dataset": dataset,
            "goal": goal,
            "shuffle_labels": shuffle_labels,
            "seed": seed,
        }
        return self._connection.start(Job, "/api/crew-runs", body)

    def receipts(self, job_id: UUID | str) -> list[dict[str, Any]]:
        """Return what each agent of a crew run was told, called and answered."""
        path = f"/api/crew-runs/{part(job_id)}/receipts"
        return self._connection.get(list[dict[str, Any]], path)

    def report(self, job_id: UUID | str) -> str:
        """Return the verdict of a crew run as an HTML page."""
        path = f"/api/crew-runs/{part(job_id)}/report"
        return self._connection.send("GET", path, repeatable=True).text

    def experiments(self, *, limit: int | None = None) -> list[Experiment]:
        """List your runs in MLflow, the newest first."""
        return self._connection.get(list[Experiment], "/api/experiments", limit=limit)

    def curves(self, run_ids: Sequence[str], metric: str = "loss") -> dict[str, list[Point]]:
        """Return the values of one metric of several runs."""
        path = "/api/experiments/curves"
        given = {"run_id": list(run_ids), "metric": metric}
        return self._connection.get(dict[str, list[Point]], path, **given)
