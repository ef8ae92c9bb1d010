import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.answers import EvaluationDecision
from agents.desk import BaseModelName, Desk
from agents.evaluation_expert import judge_model
from agents.fine_tune_flow import resolve_base
from agents.job import FineTuneJob, Studio
from tests.agents.scripted_llm import ScriptedLLM, call
from tests.colours import colour_chats
from tools.data.conversation import write_version
from tools.data.import_dataset import import_dataset
from tools.data.split_dataset import split_dataset
from tools.evaluation.compare import Comparison
from tools.evaluation.gate import GateDecision, decide


def gate(*, better: bool) -> GateDecision:
    """Return the gate's real decision on forty rows."""
    low = 0.2 if better else -0.2
    one = Comparison(
        metric="exact_match",
        higher_is_better=True,
        rows=40,
        baseline=0.1,
        candidate=0.4,
        difference=0.3,
        low=low,
        high=0.5,
    )
    return decide(
        against_base=[one],
        reading=one,
        against_champion=None,
        champion_version=None,
        primary_metric="exact_match",
        adapter_sha256="3f" * 32,
    )


def judge(studio: Studio, job: FineTuneJob, replies: list[Any], *reports: Any) -> tuple[Any, Desk]:
    llm = ScriptedLLM(model="scripted", replies=replies)
    desk = Desk(replace(studio, llm=llm), job, studio.workspace.new_run())
    folder = studio.workspace.datasets
    split = split_dataset(write_version(folder, "colours", colour_chats(160)), folder, seed=1)
    desk.keep(BaseModelName(name="tiny", sha256="ab" * 32))
    desk.keep(import_dataset(Path(job.dataset), folder))
    for report in reports:
        desk.keep(report)
    return judge_model(desk, resolve_base(studio, job), split), desk


def told(desk: Desk) -> list[str]:
    assert isinstance(desk.studio.llm, ScriptedLLM)
    return desk.studio.llm.told


def says(verdict: str, reasons: str = "As the gate says.") -> str:
    return json.dumps({"verdict": verdict, "reasons": reasons})


@pytest.mark.parametrize(
    ("better", "claim"),
    [(False, "better"), (True, "not better"), (True, "failed"), (False, "failed")],
)
def test_a_verdict_that_is_not_the_gates_is_put_right(
    studio: Studio, job: FineTuneJob, better: bool, claim: str
) -> None:
    decided = gate(better=better)

    decision, desk = judge(studio, job, [says(claim, "Mine."), says(decided.verdict)], decided)

    assert decision == EvaluationDecision(verdict=decided.verdict, reasons="As the gate says.")
    assert decided.verdict in told(desk)[1]


def test_no_verdict_before_the_gate_was_asked(studio: Studio, job: FineTuneJob) -> None:
    decision, desk = judge(studio, job, [says("better"), says("failed", "I did not ask.")])

    assert decision.reasons == "I did not ask."
    assert "There is no verdict before ask_gate has been called." in told(desk)[1]


@pytest.mark.parametrize(
    ("tool", "first"),
    [
        ("answer_heldout_rows", "find_todays_champion"),
        ("compare_with_base", "answer_heldout_rows"),
        ("ask_gate", "compare_with_base"),
    ],
)
def test_a_tool_called_out_of_order_names_the_one_before(
    studio: Studio, job: FineTuneJob, tool: str, first: str
) -> None:
    _, desk = judge(studio, job, [call(tool), says("failed")])

    assert [one.refusal for one in desk.calls] == [f"Call {first} first."]


def test_a_registry_without_the_model_has_no_champion(studio: Studio, job: FineTuneJob) -> None:
    _, desk = judge(studio, job, [call("find_todays_champion"), says("failed")])

    result = desk.calls[0].result
    assert result is not None
    assert (result["version"], result["problem"]) == (None, None)
