import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from peft import get_peft_model

from agents.answers import EvaluationDecision
from agents.desk import Desk
from agents.evaluation_expert import (
    ChampionReport,
    ask_gate,
    find_todays_champion,
    judge_model,
)
from agents.fine_tune_flow import resolve_base
from agents.record import model_name
from agents.training_specialist import probe_machine
from tests.agents.champions import crown_a_stranger
from tests.agents.on_desk import receipt_of, told
from tests.agents.reports import compared, decided, trained
from tests.agents.scripted_llm import call
from tools.training.load_model import load_model
from tools.training.make_learner import lora_config
from tools.training.recipe import Recipe
from tools.training.write_adapter import write_adapter

LayDesk = Callable[..., Desk]


def judge(desk: Desk) -> EvaluationDecision:
    return judge_model(desk, resolve_base(desk.studio, desk.job))


def says(verdict: str, reasons: str = "As the gate says.") -> str:
    return json.dumps({"verdict": verdict, "reasons": reasons})


@pytest.mark.parametrize(
    ("better", "claim"),
    [(False, "better"), (True, "not better"), (True, "failed"), (False, "failed")],
)
def test_a_verdict_that_is_not_the_gates_is_put_right(
    prepared_desk: LayDesk, better: bool, claim: str
) -> None:
    gate = decided(better=better)
    desk = prepared_desk(says(claim, "Mine."), says(gate.verdict))
    desk.keep(gate)

    assert judge(desk) == EvaluationDecision(verdict=gate.verdict, reasons="As the gate says.")
    assert gate.verdict in told(desk)[1]


def test_no_verdict_before_the_gate_was_asked(prepared_desk: LayDesk) -> None:
    desk = prepared_desk(says("better"), call("ask_gate"), says("failed", "I did not ask."))

    assert judge(desk).reasons == "I did not ask."
    assert "There is no verdict before ask_gate has been called." in told(desk)[1]


def test_a_model_that_gives_up_though_no_tool_refused_is_replaced_by_the_rules(
    prepared_desk: LayDesk,
) -> None:
    desk = prepared_desk(says("failed", "Too hard."))

    # Of the rules, whose tools miss the training that this desk has not seen.
    assert judge(desk).reasons == "Call train_adapter first."
    assert "No tool has refused its work" in told(desk)[1]
    assert "No tool has refused its work" in str(receipt_of(desk).fell_back)


@pytest.mark.parametrize(
    ("tool", "first"),
    [
        ("answer_heldout_rows", "find_todays_champion"),
        ("compare_with_base", "answer_heldout_rows"),
        ("ask_gate", "compare_with_base"),
    ],
)
def test_a_tool_called_out_of_order_names_the_one_before(
    prepared_desk: LayDesk, tool: str, first: str
) -> None:
    desk = prepared_desk(call(tool), says("failed"))

    judge(desk)

    assert [one.refusal for one in desk.calls] == [f"Call {first} first."]


def test_a_registry_without_the_model_has_no_champion(prepared_desk: LayDesk) -> None:
    report = find_todays_champion(prepared_desk())

    assert (report.version, report.problem) == (None, None)


def test_a_champion_whose_adapter_is_gone_is_told_and_costs_the_promotion_alone(
    prepared_desk: LayDesk,
) -> None:
    desk = prepared_desk()
    crown_a_stranger(desk.studio.store, model_name(desk))
    desk.keep(trained())
    desk.keep(compared(better=True))

    report = find_todays_champion(desk)
    desk.keep(report)
    gate = ask_gate(desk)

    assert report.version is None
    assert "adapter" in str(report.problem)
    assert (gate.verdict, gate.promote) == ("better", False)
    assert gate.reasons == ("Today's champion could not be fetched, so there was nothing to beat.",)
    assert not (desk.folder / "champion").exists()


@pytest.fixture
def trained_desk(prepared_desk: LayDesk) -> LayDesk:
    """Lay desks on which an adapter that changes nothing is trained, and is the champion too."""

    def lay(*replies: Any) -> Desk:
        desk = prepared_desk(*replies)
        source = resolve_base(desk.studio, desk.job)
        recipe = Recipe(model_name_or_path=source.shown)
        write_adapter(
            get_peft_model(load_model(source).model, lora_config(recipe)),
            source,
            desk.folder / "adapter",
        )
        for report in (source, recipe, probe_machine(desk), trained()):
            desk.keep(report)
        return desk

    return lay


def test_the_rows_can_be_answered_again_with_the_champion(trained_desk: LayDesk) -> None:
    again = [call("answer_heldout_rows"), call("compare_with_base"), call("answer_heldout_rows")]
    rest = [call("compare_with_base"), call("ask_gate"), says("not better")]
    desk = trained_desk(call("find_todays_champion"), *again, *rest)
    crown_a_stranger(desk.studio.store, model_name(desk), desk.folder / "adapter")

    decision = judge(desk)

    assert [one.refusal for one in desk.calls] == [None] * 6
    answered = [one.result for one in desk.calls if one.tool == "answer_heldout_rows"]
    assert answered[0] == answered[1]
    assert answered[0] is not None
    assert answered[0]["candidates"] == ["base", "tuned", "champion"]
    assert decision.reasons == "As the gate says."
    assert not (desk.folder / "champion").exists()


def test_a_champion_that_may_not_be_loaded_costs_the_promotion_alone(
    trained_desk: LayDesk, tmp_path: Path
) -> None:
    desk = trained_desk()
    strange = Path(shutil.copytree(desk.folder / "adapter", tmp_path / "strange"))
    settings = json.loads((strange / "adapter_config.json").read_text(encoding="utf-8"))
    settings["peft_type"] = "IA3"
    (strange / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
    crown_a_stranger(desk.studio.store, model_name(desk), strange)

    decision = judge(desk)

    report = desk.last(ChampionReport)
    assert report is not None
    assert report.version is None
    assert "not plain LoRA" in str(report.problem)
    assert decision.verdict == "not better"
