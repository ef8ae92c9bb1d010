"""The MLflow Monitor at a real MLflow: its adapter is a file of the test, its gate the real one."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from agents.desk import Desk
from agents.mlflow_monitor import PromotionReport, keep_record
from agents.record import model_name
from tests.agents.champions import crown_a_stranger
from tests.agents.on_desk import receipt_of, told
from tests.agents.reports import compared, decided, trained
from tests.agents.scripted_llm import call
from tools.files import sha256_of
from tools.tracking.registry import find_champion
from tools.training.recipe import Recipe

LayDesk = Callable[..., Desk]
ORDER = (call("record_this_run"), call("register_adapter"), call("ask_promotion"))


@pytest.fixture
def judged_desk(prepared_desk: LayDesk) -> LayDesk:
    """Lay desks on which training and evaluation have ended."""

    def lay(*replies: Any, better: bool) -> Desk:
        desk = prepared_desk(*replies)
        weights = desk.folder / "adapter" / "adapter_model.safetensors"
        weights.parent.mkdir()
        weights.write_text(f"weights of {desk.folder.name}", encoding="utf-8")
        weights.with_name("adapter_config.json").write_text("{}", encoding="utf-8")
        sha256 = sha256_of(weights)
        gate = decided(better=better, adapter_sha256=sha256)
        recipe = Recipe(model_name_or_path="tiny")
        for report in (recipe, trained(sha256), compared(better=better), gate):
            desk.keep(report)
        return desk

    return lay


def champion_at(desk: Desk) -> int | None:
    champion = find_champion(desk.studio.store, model_name(desk))
    return champion.version if champion else None


def says(verdict: str = "recorded", **more: Any) -> str:
    return json.dumps({"verdict": verdict, "reasons": "As reported.", **more})


@pytest.mark.parametrize("better", [True, False])
def test_the_gate_alone_moves_the_champion(judged_desk: LayDesk, better: bool) -> None:
    desk = judged_desk(*ORDER, says(version=1, champion=better), better=better)

    decision = keep_record(desk)

    assert (decision.version, decision.champion) == (1, better)
    assert champion_at(desk) == (1 if better else None)
    promotion = desk.last(PromotionReport)
    assert promotion is not None
    assert promotion.promoted is better
    assert receipt_of(desk).fell_back is None


@pytest.mark.parametrize(
    "claim",
    [
        says(version=1, champion=True),
        says(version=7, champion=False),
        says(),
        says("failed"),
    ],
)
def test_an_answer_that_contradicts_the_record_is_put_right(
    judged_desk: LayDesk, claim: str
) -> None:
    desk = judged_desk(*ORDER, claim, says(version=1), better=False)

    decision = keep_record(desk)

    assert (decision.verdict, decision.version, decision.champion) == ("recorded", 1, False)
    # The last but one question holds the claim, the last what is wrong with it.
    assert "say what was reported" in told(desk)[-1] or "It is version 1" in told(desk)[-1]
    assert champion_at(desk) is None


def test_one_that_insists_is_replaced_by_the_rules_and_promotes_nothing(
    judged_desk: LayDesk,
) -> None:
    desk = judged_desk(says(version=1, champion=True), better=False)

    decision = keep_record(desk)

    assert (decision.verdict, decision.version, decision.champion) == ("recorded", 1, False)
    assert "Nothing is on record" in str(receipt_of(desk).fell_back)
    assert champion_at(desk) is None


def test_a_model_that_gives_up_though_no_tool_refused_is_replaced_by_the_rules(
    judged_desk: LayDesk,
) -> None:
    desk = judged_desk(says("failed"), better=True)

    assert keep_record(desk).verdict == "recorded"
    assert "No tool has refused its work" in str(receipt_of(desk).fell_back)


@pytest.mark.parametrize(
    ("tool", "first"),
    [("register_adapter", "record_this_run"), ("ask_promotion", "register_adapter")],
)
def test_a_tool_called_out_of_order_names_the_one_before(
    judged_desk: LayDesk, tool: str, first: str
) -> None:
    desk = judged_desk(call(tool), says("failed"), better=True)

    assert keep_record(desk).verdict == "failed"
    assert [one.refusal for one in desk.calls] == [f"Call {first} first."]
    assert champion_at(desk) is None


def test_recorded_but_not_put_to_the_gate_is_not_an_answer(judged_desk: LayDesk) -> None:
    replies = [*ORDER[:2], says(version=1), ORDER[2], says(version=1, champion=True)]
    desk = judged_desk(*replies, better=True)

    assert keep_record(desk).champion
    assert any("Call ask_promotion first" in one for one in told(desk))


@pytest.mark.parametrize("claim", [says("failed"), says(version=2, champion=True)])
def test_a_champion_that_came_in_between_stays(judged_desk: LayDesk, claim: str) -> None:
    desk = judged_desk(*ORDER, claim, better=True)
    stranger = crown_a_stranger(desk.studio.store, model_name(desk))

    decision = keep_record(desk)

    assert (decision.verdict, decision.champion) == ("failed", False)
    refused = str(desk.calls[-1].refusal)
    assert refused.startswith("The champion is now version 1, and the gate compared with no ")
    assert champion_at(desk) == stranger
