"""Put the verdict together from what the steps reported, and write it down.

Every figure comes from the reports of the tools. When MLflow could not be reached the verdict
stands all the same, and says what is missing from the record.
"""

from datetime import UTC, datetime
from pathlib import Path

from agents.desk import Desk
from agents.mlflow_monitor import record_now
from agents.receipts import Receipt
from agents.record import CONCLUDED
from agents.run_state import DataStep, EvaluationStep, RunState, TrainingStep
from tools.errors import TrackingError
from tools.evaluation.choose_samples import choose_samples
from tools.evaluation.evaluate_adapter import read_answers
from tools.evaluation.report import write_report
from tools.evaluation.scores import score_rows
from tools.evaluation.verdict import (
    DatasetSummary,
    ReceiptSummary,
    Sample,
    TrackingSummary,
    Verdict,
    write_verdict,
)


def conclude(desk: Desk, state: RunState, record_problem: str | None) -> Verdict:
    """Write `verdict.json` and `report.html` to the run's folder, hand them to MLflow too."""
    verdict = _verdict(desk, state, record_problem)
    write_verdict(verdict, desk.folder)
    write_report(verdict, desk.folder)
    if state.record:
        _hand_to_mlflow(desk)
    return verdict


def _verdict(desk: Desk, state: RunState, record_problem: str | None) -> Verdict:
    if state.data is None or state.training is None or state.evaluation is None:
        raise RuntimeError("A verdict needs data, training and evaluation.")
    receipts = _receipts(desk.folder)
    gate = state.evaluation.gate
    return Verdict(
        run_id=state.id,
        created_at=datetime.now(UTC).replace(microsecond=0),
        goal=state.job.goal,
        language_model=" and ".join(dict.fromkeys(receipt.model for receipt in receipts)),
        base_model=state.base_name,
        dataset=_dataset(
            state.data, state.training, state.evaluation, shuffled=state.job.shuffle_labels
        ),
        recipe=state.training.recipe.model_dump(mode="json"),
        verdict=gate.verdict,
        promoted=state.record.promotion.promoted if state.record else False,
        primary_metric=gate.primary_metric,
        comparisons=state.evaluation.compared.against_base,
        against_champion=state.evaluation.compared.against_champion,
        champion_version=gate.champion_version,
        stopped=state.evaluation.answers.stopped,
        gate=gate,
        adapter=f"runs/{state.id}/adapter",
        tracking=_tracking(desk, state, record_problem),
        receipts=receipts,
        losses=state.training.training.losses,
        samples=_samples(desk.folder, state.evaluation, seed=state.job.seed),
        seconds=round(_seconds(state), 1),
        next_command=next_command(desk, state, record_problem),
    )


def _hand_to_mlflow(desk: Desk) -> None:
    try:
        record_now(desk, CONCLUDED)
    except TrackingError as error:
        desk.studio.progress.log(f"The report is not in MLflow: {error}")


def _dataset(
    data: DataStep, training: TrainingStep, evaluation: EvaluationStep, *, shuffled: bool
) -> DatasetSummary:
    split, trained, answered = data.split, training.training, evaluation.answers
    return DatasetSummary(
        source=data.imported.source,
        format=data.imported.format,
        rows_imported=data.imported.rows_imported,
        rows_usable=split.train_rows + split.validation_rows + split.heldout_rows,
        rows_train=trained.train_rows,
        rows_train_too_long=trained.train_rows_too_long,
        rows_validation=split.validation_rows,
        rows_heldout=answered.rows,
        rows_heldout_too_long=answered.rows_too_long,
        heldout=split.heldout,
        shuffled_labels=shuffled,
    )


def _tracking(desk: Desk, state: RunState, problem: str | None) -> TrackingSummary:
    record, store = state.record, desk.studio.store
    aliases = {"champion"} if record and record.promotion.promoted else set()
    if record and not aliases:
        aliases = set(record.version.aliases)
    return TrackingSummary(
        tracking_uri=store.shown,
        experiment=store.experiment,
        mlflow_run_id=record.recorded.mlflow_run_id if record else None,
        model=record.version.model if record else None,
        version=record.version.version if record else None,
        aliases=tuple(sorted(aliases)),
        problem=problem,
    )


def _receipts(folder: Path) -> tuple[ReceiptSummary, ...]:
    summaries = []
    for path in sorted((folder / "receipts").glob("*.json")):
        receipt = Receipt.model_validate_json(path.read_text(encoding="utf-8"))
        summaries.append(
            ReceiptSummary(
                agent=receipt.agent,
                file=f"receipts/{path.name}",
                model=receipt.model,
                tool_calls=len(receipt.tool_calls),
                seconds=receipt.seconds,
                tokens=receipt.tokens,
                fell_back=receipt.fell_back is not None,
            )
        )
    return tuple(summaries)


def _samples(folder: Path, evaluation: EvaluationStep, *, seed: int) -> tuple[Sample, ...]:
    rows = read_answers(folder)
    metric = evaluation.gate.primary_metric
    if metric == "loss":
        return ()
    table = score_rows(rows).scores["rouge_l" if metric == "rouge_l" else "exact_match"]
    return choose_samples(rows, base=table["base"], tuned=table["tuned"], seed=seed)


def _seconds(state: RunState) -> float:
    steps = (state.data, state.training, state.evaluation, state.record)
    return sum(step.seconds for step in steps if step is not None)


def next_command(desk: Desk, state: RunState, record_problem: str | None) -> str:
    """Return what to run next: go on, compare with unshuffled labels, or look at the record."""
    if record_problem is not None:
        return f"make demo RESUME={state.id}"
    if state.job.shuffle_labels:
        return "make demo"
    recorded_at = desk.studio.store.shown
    # A server has its own UI, at its address.
    return "make mlflow" if recorded_at.startswith("sqlite:") else f"open {recorded_at}"
