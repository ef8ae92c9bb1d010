import json
from collections.abc import Callable
from typing import Any

import pytest

from agents.answers import TrainingDecision
from agents.desk import Desk
from agents.fine_tune_flow import resolve_base
from agents.training_specialist import (
    probe_machine,
    prove_training_masks,
    recommend_recipe,
    train_adapter,
    train_model,
)
from tests.agents.on_desk import receipt_of, told
from tests.agents.reports import SHA256, trained
from tests.agents.scripted_llm import call
from tools.data.split_dataset import SplitReport
from tools.errors import RecipeError
from tools.training.train_lora import TrainReport

LayDesk = Callable[..., Desk]


def answer(desk: Desk) -> TrainingDecision:
    return train_model(desk, resolve_base(desk.studio, desk.job))


def with_a_recommendation(desk: Desk) -> Desk:
    desk.keep(resolve_base(desk.studio, desk.job))
    for tool in (probe_machine, prove_training_masks, recommend_recipe):
        desk.keep(tool(desk))
    return desk


@pytest.mark.parametrize(
    ("tool", "first"),
    [("recommend_recipe", "prove_training_masks"), ("train_adapter", "recommend_recipe")],
)
def test_a_tool_called_out_of_order_names_the_one_before(
    prepared_desk: LayDesk, tool: str, first: str
) -> None:
    gives_up = json.dumps({"verdict": "failed", "reasons": "I give up."})
    desk = prepared_desk(call(tool), gives_up)

    assert answer(desk).reasons == "I give up."
    assert [one.refusal for one in desk.calls] == [f"Call {first} first."]


@pytest.mark.parametrize(
    "departure",
    [
        {"learning_rate": 5},
        {"learning_rate": 0},
        {"learning_rate": -1e-4},
        {"learning_rate": float("nan")},
        {"learning_rate": float("inf")},
        {"r": 100000},
        {"r": 0},
        {"lora_alpha": 10**9},
        {"num_train_epochs": 101},
    ],
)
def test_a_departure_out_of_bounds_trains_nothing_and_names_the_field(
    prepared_desk: LayDesk, departure: dict[str, Any]
) -> None:
    desk = with_a_recommendation(prepared_desk())

    with pytest.raises(RecipeError, match=next(iter(departure))):
        train_adapter(desk, **departure)
    assert not (desk.folder / "recipe.yaml").exists()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"verdict": "trained", "adapter_sha256": "00" * 32}, f"adapter_sha256 {SHA256}"),
        ({"verdict": "trained"}, f"adapter_sha256 {SHA256}"),
        ({"verdict": "failed"}, "train_adapter ended well"),
    ],
)
def test_an_answer_that_contradicts_the_training_is_put_right(
    prepared_desk: LayDesk, said: dict[str, str], problem: str
) -> None:
    right = {"verdict": "trained", "adapter_sha256": SHA256, "reasons": "As reported."}
    desk = prepared_desk(json.dumps({**said, "reasons": "-"}), json.dumps(right))
    desk.keep(trained())

    assert answer(desk).reasons == "As reported."
    assert problem in told(desk)[1]


def test_refused_three_times_the_rules_train(prepared_desk: LayDesk) -> None:
    boast = json.dumps({"verdict": "trained", "adapter_sha256": "00" * 32, "reasons": "-"})
    desk = prepared_desk(boast)
    split = desk.need(SplitReport, "split_for_training")
    desk.keep(split.model_copy(update={"train": "nonesuch-0123456789ab"}))

    decision = answer(desk)

    assert decision.verdict == "failed"
    assert "Nothing is trained before train_adapter" in str(receipt_of(desk).fell_back)
    assert desk.last(TrainReport) is None


def test_the_desk_is_not_offered_to_the_model(prepared_desk: LayDesk) -> None:
    desk = prepared_desk()

    made = desk.tool(train_adapter)

    offered = ["learning_rate", "num_train_epochs", "r", "lora_alpha"]
    assert list(made.args_schema.model_fields) == offered


@pytest.mark.slow
def test_a_model_departs_from_the_recipe_within_its_bounds(prepared_desk: LayDesk) -> None:
    desk = with_a_recommendation(prepared_desk())

    report = train_adapter(desk, learning_rate=1e-3, num_train_epochs=1, r=4)

    assert isinstance(report, TrainReport)
    recipe = (desk.folder / "recipe.yaml").read_text(encoding="utf-8")
    assert "learning_rate: 0.001" in recipe
    assert "r: 4\n" in recipe
