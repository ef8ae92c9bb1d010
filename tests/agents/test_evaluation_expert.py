import json
from collections.abc import Callable

import pytest

from agents.answers import EvaluationDecision
from agents.desk import Desk
from agents.evaluation_expert import ask_gate, find_todays_champion, judge_model
from agents.fine_tune_flow import resolve_base
from agents.record import model_name
from tests.agents.champions import crown_a_stranger
from tests.agents.on_desk import told
from tests.agents.reports import compared, decided, trained
from tests.agents.scripted_llm import call

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
    desk = prepared_desk(says("better"), says("failed", "I did not ask."))

    assert judge(desk).reasons == "I did not ask."
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
