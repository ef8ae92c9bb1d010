"""What a training did, and where that is kept in its folder.

Not covered: doing it (`train`).
"""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.files import sha256_of, write_text
from tools.training.check_adapter import ADAPTER_WEIGHTS
from tools.training.checkpoints import MANIFEST
from tools.training.loss_point import LossPoint
from tools.training.prove_masks import MaskProof
from tools.training.recipe import MethodName, Recipe
from tools.training.run_state import AlarmRaised, RunState

ADAPTER, CHECKPOINTS = "adapter", "checkpoints"
_RECORD = "training.json"


class TrainReport(BaseModel):
    """What `train` did."""

    model_config = ConfigDict(frozen=True)

    adapter_sha256: str = Field(description="Hash of the adapter's weights.")
    method: MethodName = "sft"
    learning_rate: float = Field(description="As the recipe it was trained with has it.")
    train_rows: int = Field(description="Rows it was trained on.")
    train_rows_too_long: int = Field(description="Training rows left out for their length.")
    steps: int
    best_step: int | None = Field(default=None, description="The step whose weights were kept.")
    train_loss: float = Field(description="Mean of the last tenth of the logged losses.")
    eval_loss: float = Field(description="On the validation rows, with the weights that were kept.")
    first_eval_loss: float = Field(description="On the validation rows, before the first step.")
    tokens_in_loss: int = Field(description="Tokens of one epoch that are in the loss.")
    seconds: float
    resumed_from_step: int | None
    alarms: tuple[AlarmRaised, ...] = Field(default=(), description="Rules that fired on the way.")
    losses: tuple[LossPoint, ...]


def report_of(
    recipe: Recipe, state: RunState, proof: MaskProof, folder: Path, seconds: float
) -> TrainReport:
    """Return the report of the training in `folder` that ended in `state`."""
    losses = [point.loss for point in state.points if point.loss is not None]
    watched = [point.eval_loss for point in state.points if point.eval_loss is not None]
    return TrainReport(
        adapter_sha256=sha256_of(folder / ADAPTER / ADAPTER_WEIGHTS),
        method=recipe.method,
        learning_rate=recipe.learning_rate,
        train_rows=proof.rows,
        train_rows_too_long=proof.rows_too_long,
        steps=state.step,
        best_step=state.best_step,
        train_loss=_tail_mean(losses),
        eval_loss=min(watched),
        first_eval_loss=watched[0],
        tokens_in_loss=proof.tokens_in_loss,
        seconds=round(seconds, 1),
        resumed_from_step=state.resumed_from_step,
        alarms=tuple(state.alarms),
        losses=tuple(state.points),
    )


def keep_report(report: TrainReport, folder: Path, fingerprint: str) -> None:
    """Write `report` to `folder`, as that of the training with that fingerprint."""
    record = {"fingerprint": fingerprint, "report": report.model_dump(mode="json")}
    write_text(folder / _RECORD, json.dumps(record))


def finished_training(folder: Path, fingerprint: str) -> TrainReport | None:
    """Return the report of a training of `fingerprint` that ended in `folder`, if there is one."""
    weights = folder / ADAPTER / ADAPTER_WEIGHTS
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        report = TrainReport.model_validate(record["report"])
    # There is none, or it is of a version that reported other things.
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if record["fingerprint"] != fingerprint or not weights.is_file():
        return None
    return report if sha256_of(weights) == report.adapter_sha256 else None


def has_results(folder: Path) -> bool:
    """Return whether a training in `folder` came to a checkpoint, whatever its recipe."""
    sealed = (folder / CHECKPOINTS).glob(f"checkpoint-*/{MANIFEST}")
    return (folder / _RECORD).is_file() or any(sealed)


def _tail_mean(values: Sequence[float]) -> float:
    tail = values[-max(1, len(values) // 10) :]
    return sum(tail) / len(tail)
