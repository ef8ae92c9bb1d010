"""The verdict of a run: everything that was decided, with what it was decided from.

It is `verdict.json` in the run's folder, documented field by field in docs/verdict.md. A program
that reads it relies on `schema_version`; a field is never renamed or dropped within a version.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.evaluation.compare import Comparison
from tools.evaluation.gate import GateDecision
from tools.evaluation.remarks import on_cut_answers, on_long_rows
from tools.files import write_text
from tools.training.loss_point import Finite, LossPoint

_FILE_NAME = "verdict.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class DatasetSummary(_Part):
    """The data of the run, from the file to the three parts."""

    source: str = Field(description="What was imported: a file name or a Hugging Face id.")
    format: str = Field(description="The format it was recognised as.")
    rows_imported: int = Field(description="Rows of the source that became conversations.")
    rows_usable: int = Field(description="Rows left after repeats and faulty ones were dropped.")
    rows_train: int = Field(description="Rows trained on.")
    rows_train_too_long: int = Field(description="Training rows left out for their length.")
    rows_validation: int = Field(description="Rows kept apart to watch the loss on.")
    rows_heldout: int = Field(description="Held-out rows that the models were compared on.")
    rows_heldout_too_long: int = Field(description="Held-out rows left out for their length.")
    heldout: str = Field(description="Name of the dataset version the model never saw.")
    shuffled_labels: bool = Field(description="Whether answers were dealt to the wrong rows.")


class TrackingSummary(_Part):
    """Where MLflow keeps the run, and what it registered."""

    tracking_uri: str
    experiment: str
    mlflow_run_id: str | None
    model: str | None = Field(description="Name of the registered model.")
    version: int | None = Field(description="Version registered by this run.")
    aliases: tuple[str, ...] = Field(description="Aliases of that version, e.g. 'champion'.")
    problem: str | None = Field(description="Why tracking is incomplete, if it is.")


class ReceiptSummary(_Part):
    """What one agent did; the whole of it is in its file."""

    agent: str
    file: str = Field(description="Name of the receipt in the run's folder.")
    model: str = Field(description="The language model that answered, or 'rules'.")
    tool_calls: int
    seconds: Finite
    tokens: int
    fell_back: bool = Field(description="Whether rules answered because the model did not.")


class Sample(_Part):
    """One held-out row with both answers."""

    row: int = Field(description="Number of the row in the source.")
    prompt: str
    reference: str
    base: str
    tuned: str


class Verdict(_Part):
    """Whether the tuned model is better than its base, and how that is known."""

    schema_version: Literal[1] = 1
    run_id: str
    created_at: datetime
    goal: str = Field(description="What the user wanted, in the user's words.")
    language_model: str = Field(description="What the agents thought with: a model or 'rules'.")
    base_model: str
    dataset: DatasetSummary
    recipe: dict[str, Any] = Field(description="Every setting of the training.")
    verdict: Literal["better", "not better"]
    promoted: bool = Field(description="Whether this run's version became the champion.")
    primary_metric: str = Field(description="The metric that decides, chosen before any answer.")
    comparisons: tuple[Comparison, ...] = Field(description="Tuned against base, by metric.")
    against_champion: Comparison | None = Field(description="Tuned against the champion before it.")
    champion_version: int | None = Field(description="Version of that champion.")
    stopped: dict[str, Finite] = Field(
        description="Share of answers that ended by themselves, by candidate; none of plain text."
    )
    gate: GateDecision
    adapter: str = Field(description="Folder of the adapter, relative to the workspace.")
    tracking: TrackingSummary
    receipts: tuple[ReceiptSummary, ...]
    losses: tuple[LossPoint, ...]
    samples: tuple[Sample, ...] = Field(
        description="Up to ten rows, wins and losses in proportion."
    )
    seconds: Finite = Field(description="Of the four steps, as this run did them.")
    next_command: str = Field(description="What to run next.")

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to know beside the figures, in sentences."""
        data = self.dataset
        return (
            *on_cut_answers(self.stopped),
            *on_long_rows(data.rows_train_too_long, data.rows_train, part="training"),
            *on_long_rows(data.rows_heldout_too_long, data.rows_heldout, part="held-out"),
        )


def write_verdict(verdict: Verdict, folder: Path) -> Path:
    """Write `verdict.json` to `folder` and return it."""
    path = folder / _FILE_NAME
    write_text(path, verdict.model_dump_json(indent=2) + "\n")
    return path


def verdict_schema() -> dict[str, Any]:
    """Return the JSON schema of `verdict.json`."""
    return Verdict.model_json_schema(mode="serialization")
