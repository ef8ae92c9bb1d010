"""The Evaluation Expert: is the tuned model better than its base, and at what cost?"""

import shutil

from pydantic import BaseModel, ConfigDict, Field

from agents.answers import EvaluationDecision
from agents.desk import NOT_REFUSED, Desk
from agents.record import model_name
from agents.rule_llm import Request, Seen
from agents.run_agent import Assignment, run_agent
from tools.counted import counted
from tools.data.split_dataset import SplitReport
from tools.errors import ModelError, TrackingError
from tools.evaluation.evaluate_adapter import (
    AnswerReport,
    CompareReport,
    answer_rows,
    compare_answers,
    read_answers,
)
from tools.evaluation.gate import GateDecision, decide
from tools.hub.resolve_model import ModelSource
from tools.tracking.fetch_adapter import fetch_adapter
from tools.tracking.registry import find_champion
from tools.training.check_adapter import check_adapter
from tools.training.load_model import load_model
from tools.training.probe_hardware import HardwareReport
from tools.training.recipe import Recipe
from tools.training.train_report import TrainReport

_CHAMPION = "champion"  # folder of the copy that is compared with
_SHOWN = 2  # answers shown on the way


class ChampionReport(BaseModel):
    """Today's champion, which a better adapter must beat too."""

    model_config = ConfigDict(frozen=True)

    version: int | None = Field(description="None when there is no champion, or it is not known.")
    problem: str | None = Field(default=None, description="Why it is not known, if so.")


def judge_model(desk: Desk, source: ModelSource) -> EvaluationDecision:
    """Let the Evaluation Expert compare the tuned model with its base, which is `source`."""
    desk.keep(source)
    try:
        return run_agent(
            Assignment(
                name="evaluation_expert",
                step=3,
                tools=(find_todays_champion, answer_heldout_rows, compare_with_base, ask_gate),
                answer=EvaluationDecision,
                rules=_decide,
                check=_problem,
            ),
            desk,
        )
    finally:
        # Not sooner: a model may let the rows be answered again.
        shutil.rmtree(desk.folder / _CHAMPION, ignore_errors=True)


def find_todays_champion(desk: Desk) -> ChampionReport:
    """Fetch the model that is champion for this base and dataset today, if there is one."""
    champion = todays_champion(desk)
    if champion.version is None:
        return champion
    target = desk.folder / _CHAMPION
    shutil.rmtree(target, ignore_errors=True)  # of an evaluation that was stopped
    try:
        fetch_adapter(desk.studio.store, model_name(desk), version=champion.version, target=target)
        check_adapter("champion", target)
    except (TrackingError, ModelError) as error:
        return ChampionReport(version=None, problem=str(error))
    return champion


def answer_heldout_rows(desk: Desk) -> AnswerReport:
    """Let base, tuned model and today's champion answer every held-out row."""
    split, progress = desk.need(SplitReport, "split_for_training"), desk.studio.progress
    adapters = {"tuned": desk.folder / "adapter"}
    if desk.need(ChampionReport, "find_todays_champion").version is not None:
        adapters["champion"] = desk.folder / _CHAMPION
    progress.log(f"Answering {counted(split.heldout_rows, 'held-out row')}.")
    source = desk.need(ModelSource, "begin")
    recipe = desk.need(Recipe, "train_adapter")
    base = load_model(
        source,
        bf16=recipe.bf16,
        device=desk.need(HardwareReport, "probe_machine").device,
        chat_template=recipe.chat_template,
    )
    report = answer_rows(
        base,
        adapters,
        heldout=desk.studio.workspace.dataset(split.heldout),
        folder=desk.folder,
        max_positions=source.max_positions,
        thoughts=recipe.thoughts,
        progress=progress,
    )
    for row in read_answers(desk.folder)[:_SHOWN]:
        progress.sample(row.prompt, row.answers.get("tuned", ""))
    return report


def compare_with_base(desk: Desk) -> CompareReport:
    """Compare the answers row by row: differences with 95 % paired-bootstrap intervals."""
    answers = desk.need(AnswerReport, "answer_heldout_rows")
    return compare_answers(desk.folder, answers.primary_metric)


def ask_gate(desk: Desk) -> GateDecision:
    """Ask the gate whether the tuned model is better and may become the champion."""
    compared = desk.need(CompareReport, "compare_with_base")
    champion = desk.need(ChampionReport, "find_todays_champion")
    return decide(
        against_base=compared.against_base,
        reading=compared.reading,
        against_champion=compared.against_champion,
        champion_version="unknown" if champion.problem else champion.version,
        primary_metric=compared.primary_metric,
        adapter_sha256=desk.need(TrainReport, "train_adapter").adapter_sha256,
    )


def todays_champion(desk: Desk) -> ChampionReport:
    """Return today's champion. A server that is down costs the promotion, not the verdict."""
    try:
        champion = find_champion(desk.studio.store, model_name(desk))
    except TrackingError as error:
        return ChampionReport(version=None, problem=str(error))
    return ChampionReport(version=champion.version if champion else None)


def _decide(seen: Seen) -> Request | BaseModel:
    """Find the champion, answer, compare, ask the gate, and say what it said."""
    if seen.refusal is not None:
        return EvaluationDecision(verdict="failed", reasons=seen.refusal[:2000])
    for tool, kind in (
        ("find_todays_champion", ChampionReport),
        ("answer_heldout_rows", AnswerReport),
        ("compare_with_base", CompareReport),
    ):
        if seen.report(tool, kind) is None:
            return Request(tool, {})
    gate = seen.report("ask_gate", GateDecision)
    if gate is None:
        return Request("ask_gate", {})
    return EvaluationDecision(verdict=gate.verdict, reasons=" ".join(gate.reasons)[:2000])


def _problem(answer: EvaluationDecision, desk: Desk) -> str | None:
    """Return how the answer contradicts the tools, if it does."""
    gate = desk.last(GateDecision)
    if answer.verdict == "failed":
        if gate is not None:
            return f"The gate decided: {gate.verdict}. Say so."
        return None if desk.refused else NOT_REFUSED
    if gate is None:
        return "There is no verdict before ask_gate has been called."
    if answer.verdict != gate.verdict:
        return f"The gate's verdict is {gate.verdict!r}. Nobody, and no agent, overrules it."
    return None
