"""The MLflow Monitor: what does the record say?"""

from pydantic import BaseModel, ConfigDict

from agents.answers import RecordDecision
from agents.desk import NOT_REFUSED, Desk
from agents.record import (
    MADE,
    artifacts,
    base_of,
    describe_run,
    final_metrics,
    model_name,
)
from agents.rule_llm import Request, Seen
from agents.run_agent import Assignment, run_agent
from tools.evaluation.gate import GateDecision
from tools.tracking.earlier_runs import EarlierRun, earlier_runs
from tools.tracking.record_run import RecordReport, record_run
from tools.tracking.registry import VersionReport, move_champion, register_version
from tools.training.train_report import TrainReport

_EARLIER = 5


class EarlierRuns(BaseModel):
    """Earlier runs of the same registered model, newest first."""

    model_config = ConfigDict(frozen=True)

    model: str
    runs: tuple[EarlierRun, ...]


class PromotionReport(BaseModel):
    """Whether the version became the champion, and why not if not."""

    model_config = ConfigDict(frozen=True)

    promoted: bool
    champion_version: int | None
    reasons: tuple[str, ...]


def keep_record(desk: Desk) -> RecordDecision:
    """Let the MLflow Monitor record the run and register its adapter."""
    return run_agent(
        Assignment(
            name="mlflow_monitor",
            step=4,
            tools=(list_earlier_runs, record_this_run, register_adapter, ask_promotion),
            answer=RecordDecision,
            rules=_decide,
            check=_problem,
        ),
        desk,
    )


def record_now(desk: Desk, files: tuple[str, ...]) -> RecordReport:
    """Bring the MLflow run up to date, with `files` of the run's folder. May be called again."""
    return record_run(
        desk.studio.store,
        desk.folder,
        about=describe_run(desk),
        metrics=final_metrics(desk),
        artifacts=artifacts(desk.folder, files),
    )


def list_earlier_runs(desk: Desk) -> EarlierRuns:
    """List earlier runs on the same base model and dataset with their figures."""
    name = model_name(desk)
    runs = earlier_runs(desk.studio.store, model=name, limit=_EARLIER + 1)
    others = [run for run in runs if run.tags.get("crewtune.run") != desk.folder.name]
    return EarlierRuns(model=name, runs=tuple(others[:_EARLIER]))


def record_this_run(desk: Desk) -> RecordReport:
    """Log parameters, metrics, dataset, adapter and receipts of this run to MLflow."""
    return record_now(desk, MADE)


def register_adapter(desk: Desk) -> VersionReport:
    """Register the adapter as a new version, a `challenger` if it is better than its base."""
    recorded = desk.need(RecordReport, "record_this_run")
    verdict = desk.need(GateDecision, "ask_gate").verdict
    return register_version(
        desk.studio.store,
        model=model_name(desk),
        mlflow_run_id=recorded.mlflow_run_id,
        tags={
            "adapter_sha256": desk.need(TrainReport, "train_adapter").adapter_sha256,
            "verdict": verdict,
            "base_model": base_of(desk).name,
            "shuffled_labels": str(desk.job.shuffle_labels).lower(),
        },
        challenger=verdict == "better",
    )


def ask_promotion(desk: Desk) -> PromotionReport:
    """Make the new version the champion if, and only if, the gate decided so."""
    gate = desk.need(GateDecision, "ask_gate")
    version = desk.need(VersionReport, "register_adapter").version
    if not gate.promote:
        return PromotionReport(
            promoted=False, champion_version=gate.champion_version, reasons=gate.reasons
        )
    moved = move_champion(desk.studio.store, model=model_name(desk), version=version, decision=gate)
    return PromotionReport(
        promoted=True, champion_version=moved.champion_version, reasons=gate.reasons
    )


def _decide(seen: Seen) -> Request | BaseModel:
    """Look back, record, register, ask for promotion, and say where the model stands."""
    if seen.refusal is not None:
        return RecordDecision(verdict="failed", reasons=seen.refusal[:2000])
    for tool, kind in (
        ("list_earlier_runs", EarlierRuns),
        ("record_this_run", RecordReport),
        ("register_adapter", VersionReport),
    ):
        if seen.report(tool, kind) is None:
            return Request(tool, {})
    promotion = seen.report("ask_promotion", PromotionReport)
    if promotion is None:
        return Request("ask_promotion", {})
    earlier = seen.report("list_earlier_runs", EarlierRuns)
    version = seen.report("register_adapter", VersionReport)
    return (
        _answer(earlier, version, promotion)
        if earlier and version
        else Request("list_earlier_runs", {})
    )


def _answer(
    earlier: EarlierRuns, version: VersionReport, promotion: PromotionReport
) -> RecordDecision:
    if promotion.promoted:
        standing = "it is the champion now"
    elif promotion.champion_version is None:
        standing = "it is not promoted, and there is no champion"
    else:
        standing = f"version {promotion.champion_version} stays champion"
    return RecordDecision(
        verdict="recorded",
        version=version.version,
        champion=promotion.promoted,
        reasons=(
            f"{_counted(len(earlier.runs))} of {version.model} on record. This one is "
            f"version {version.version}; {standing}."
        ),
    )


def _counted(runs: int) -> str:
    """Return how many earlier runs were found, of which the newest few are listed."""
    if runs == 0:
        return "There is no earlier run"
    at_least = "at least " if runs == _EARLIER else ""
    return "There is one earlier run" if runs == 1 else f"There are {at_least}{runs} earlier runs"


def _problem(answer: RecordDecision, desk: Desk) -> str | None:
    """Return how the answer contradicts the tools, if it does."""
    version = desk.last(VersionReport)
    if answer.verdict == "failed":
        if desk.last(PromotionReport) is not None:
            return "Everything was recorded; say what was reported."
        return None if desk.refused else NOT_REFUSED
    if version is None:
        return "Nothing is on record before register_adapter has been called."
    promotion = desk.last(PromotionReport)
    if promotion is None:
        return "Call ask_promotion first: it follows the gate."
    if (answer.version, answer.champion) != (version.version, promotion.promoted):
        return f"It is version {version.version}, and promoted is {promotion.promoted}."
    return None
