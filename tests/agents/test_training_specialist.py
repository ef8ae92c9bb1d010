import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer
from trl.chat_template_utils import gemma3_chat_template

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
from tests.agents.on_desk import logs, receipt_of, told
from tests.agents.reports import SHA256, trained
from tests.agents.scripted_llm import call
from tests.listener import Listener
from tools.data.split_dataset import SplitReport
from tools.errors import RecipeError, TrainingError
from tools.hub.resolve_model import ModelSource
from tools.progress import Cancelled
from tools.tracking.metrics_file import read_lines, read_link
from tools.training.recipe import Recipe, load_recipe, save_recipe
from tools.training.recommend import Recommendation
from tools.training.train_report import TrainReport

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


def test_a_model_that_gives_up_though_no_tool_refused_is_replaced_by_the_rules(
    prepared_desk: LayDesk,
) -> None:
    desk = prepared_desk(json.dumps({"verdict": "failed", "reasons": "Too hard."}))
    split = desk.need(SplitReport, "split_for_training")
    desk.keep(split.model_copy(update={"train": "nonesuch-0123456789ab"}))

    assert "'nonesuch-0123456789ab'" in answer(desk).reasons
    assert "No tool has refused its work" in told(desk)[1]
    assert "No tool has refused its work" in str(receipt_of(desk).fell_back)


def test_an_end_of_turn_that_only_the_model_s_files_name_is_proven(
    prepared_desk: LayDesk, tiny_model: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "ends"))
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    tokenizer.add_tokens(["<end_of_turn>"])
    tokenizer.chat_template = gemma3_chat_template
    tokenizer.save_pretrained(folder)
    stops = {"eos_token_id": [1, tokenizer.convert_tokens_to_ids("<end_of_turn>")]}
    (folder / "generation_config.json").write_text(json.dumps(stops), encoding="utf-8")
    desk = prepared_desk()
    desk.keep(resolve_base(desk.studio, desk.job.model_copy(update={"model": str(folder)})))

    assert prove_training_masks(desk).end_of_turn == ("<end_of_turn>",)


def test_a_training_that_does_not_fit_the_recommendation_s_memory_is_not_begun(
    prepared_desk: LayDesk,
) -> None:
    desk = with_a_recommendation(prepared_desk())
    advice = desk.need(Recommendation, "recommend_recipe")
    scarce = advice.estimated_memory_gib / 0.95
    desk.keep(advice.model_copy(update={"available_memory_gib": scarce}))

    with pytest.raises(RecipeError, match="The training needs about"):
        train_adapter(desk)
    assert not (desk.folder / "recipe.yaml").exists()


def test_the_desk_is_not_offered_to_the_model(prepared_desk: LayDesk) -> None:
    desk = prepared_desk()

    made = desk.tool(train_adapter)

    offered = ["learning_rate", "num_train_epochs", "r", "lora_alpha"]
    assert list(made.args_schema.model_fields) == offered


@pytest.mark.slow
def test_a_model_departs_from_the_recipe_within_its_bounds_and_is_told_the_rate(
    prepared_desk: LayDesk,
) -> None:
    desk = with_a_recommendation(prepared_desk())

    report = train_adapter(desk, learning_rate=1e-3, num_train_epochs=1, r=4)

    assert report.learning_rate == 1e-3
    recipe = load_recipe(desk.folder / "recipe.yaml")
    assert (recipe.learning_rate, recipe.num_train_epochs, recipe.r) == (1e-3, 1, 4)


@pytest.mark.slow
def test_the_rules_name_the_rate_that_was_trained_with(prepared_desk: LayDesk) -> None:
    desk = prepared_desk()
    source = resolve_base(desk.studio, desk.job)
    own = Recipe(model_name_or_path=source.shown, learning_rate=3e-3, num_train_epochs=1)
    save_recipe(own, desk.folder / "recipe.yaml")

    assert "at a learning rate of 0.003." in answer(desk).reasons


@pytest.mark.slow
def test_before_a_checkpoint_stands_the_advice_of_a_failed_training_can_be_followed(
    prepared_desk: LayDesk,
) -> None:
    desk = with_a_recommendation(prepared_desk())
    source = desk.need(ModelSource, "begin")
    desk.keep(damaged(source, desk.folder / "damaged" / source.folder.name))
    with pytest.raises(TrainingError, match=rf"in runs/{desk.folder.name}/recipe\.yaml of the"):
        train_adapter(desk, num_train_epochs=2)
    desk.keep(source)

    report = train_adapter(desk, learning_rate=1e-3)

    assert report.learning_rate == 1e-3
    assert load_recipe(desk.folder / "recipe.yaml").num_train_epochs == 2


@pytest.mark.slow
def test_from_a_checkpoint_on_the_run_keeps_to_its_recipe_and_says_so(
    prepared_desk: LayDesk,
) -> None:
    desk = stopped_after_a_checkpoint(prepared_desk())

    report = train_adapter(desk, learning_rate=1e-3)

    assert report.resumed_from_step is not None
    assert report.learning_rate == 5e-3
    assert "The run keeps to its recipe: its checkpoints fit no other." in logs(desk)


@pytest.mark.slow
def test_a_recipe_that_a_person_changed_begins_anew_in_the_record_too(
    prepared_desk: LayDesk,
) -> None:
    desk = stopped_after_a_checkpoint(prepared_desk())
    first = read_link(desk.folder).mlflow_run_id
    path = desk.folder / "recipe.yaml"
    save_recipe(load_recipe(path).model_copy(update={"learning_rate": 1e-3}), path)

    report = train_adapter(desk)

    assert (report.resumed_from_step, report.learning_rate) == (None, 1e-3)
    second = read_link(desk.folder).mlflow_run_id
    assert first != second
    recorded = desk.studio.store.client().get_run(str(second)).data
    assert recorded.params["learning_rate"] == "0.001"
    rates = [line.value for line in read_lines(desk.folder) if line.name == "learning_rate"]
    assert max(rates) <= 1e-3


def damaged(source: ModelSource, folder: Path) -> ModelSource:
    """Return a copy of `source` whose loss is no number."""
    shutil.copytree(source.folder, folder)
    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] *= float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return source.model_copy(update={"folder": folder})


def stopped_after_a_checkpoint(desk: Desk) -> Desk:
    """Return the desk of a run that was stopped on its way through two epochs."""
    with_a_recommendation(desk)
    progress = desk.studio.progress
    desk.studio = replace(desk.studio, progress=Listener(stop_after=20))
    with pytest.raises(Cancelled):
        train_adapter(desk, num_train_epochs=2)
    desk.studio = replace(desk.studio, progress=progress)
    return desk
