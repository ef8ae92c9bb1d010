import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.answers import TrainingDecision
from agents.desk import BaseModelName, Desk
from agents.fine_tune_flow import resolve_base
from agents.job import FineTuneJob, Studio
from agents.receipts import Receipt
from agents.training_specialist import train_model, training_tools
from tests.agents.scripted_llm import ScriptedLLM, call
from tests.colours import colour_chats
from tools.data.conversation import write_version
from tools.data.import_dataset import import_dataset
from tools.data.split_dataset import SplitReport, split_dataset
from tools.errors import RecipeError
from tools.training.train_lora import TrainReport

BEFORE = [call("probe_machine"), call("prove_training_masks"), call("recommend_recipe")]
TRAINED = TrainReport(
    adapter_sha256="3f" * 32,
    steps=8,
    train_loss=1.0,
    eval_loss=1.1,
    first_eval_loss=2.0,
    tokens_in_loss=100,
    seconds=1.0,
    resumed_from_step=None,
    losses=(),
)


@pytest.fixture
def split(studio: Studio) -> SplitReport:
    folder = studio.workspace.datasets
    version = write_version(folder, "colours", colour_chats(160))
    return split_dataset(version, folder, seed=1)


def desk_of(studio: Studio, job: FineTuneJob, replies: list[Any] | None = None) -> Desk:
    llm = ScriptedLLM(model="scripted", replies=replies) if replies else None
    return Desk(replace(studio, llm=llm), job, studio.workspace.new_run())


def answer(desk: Desk, split: SplitReport) -> TrainingDecision:
    return train_model(desk, resolve_base(desk.studio, desk.job), split)


def receipt_of(desk: Desk) -> Receipt:
    text = (desk.folder / "receipts" / "2-training_specialist.json").read_text(encoding="utf-8")
    return Receipt.model_validate_json(text)


@pytest.mark.parametrize(
    ("tool", "first"),
    [("recommend_recipe", "prove_training_masks"), ("train_adapter", "recommend_recipe")],
)
def test_a_tool_called_out_of_order_names_the_one_before(
    studio: Studio, job: FineTuneJob, split: SplitReport, tool: str, first: str
) -> None:
    gives_up = json.dumps({"verdict": "failed", "reasons": "I give up."})
    desk = desk_of(studio, job, [call(tool), gives_up])

    assert answer(desk, split).reasons == "I give up."
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
    studio: Studio, job: FineTuneJob, split: SplitReport, departure: dict[str, Any]
) -> None:
    desk = desk_of(studio, job)
    tools = training_tools(desk, resolve_base(studio, job), split)
    for tool in tools[:3]:
        desk.keep(tool())

    with pytest.raises(RecipeError, match=next(iter(departure))):
        tools[3](**departure)
    assert not (desk.folder / "recipe.yaml").exists()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"verdict": "trained", "adapter_sha256": "00" * 32}, f"adapter_sha256 {'3f' * 32}"),
        ({"verdict": "trained"}, f"adapter_sha256 {'3f' * 32}"),
        ({"verdict": "failed"}, "train_adapter ended well"),
    ],
)
def test_an_answer_that_contradicts_the_training_is_put_right(
    studio: Studio, job: FineTuneJob, split: SplitReport, said: dict[str, str], problem: str
) -> None:
    right = {"verdict": "trained", "adapter_sha256": "3f" * 32, "reasons": "As reported."}
    desk = desk_of(studio, job, [json.dumps({**said, "reasons": "-"}), json.dumps(right)])
    desk.keep(TRAINED)

    assert answer(desk, split).reasons == "As reported."
    llm = desk.studio.llm
    assert isinstance(llm, ScriptedLLM)
    assert problem in llm.told[1]


def test_refused_three_times_the_rules_train(
    studio: Studio, job: FineTuneJob, split: SplitReport
) -> None:
    boast = json.dumps({"verdict": "trained", "adapter_sha256": "00" * 32, "reasons": "-"})
    desk = desk_of(studio, job, [boast])
    unfit = split.model_copy(update={"train": "nonesuch-0123456789ab"})

    decision = answer(desk, unfit)

    assert decision.verdict == "failed"
    assert "Nothing is trained before train_adapter" in str(receipt_of(desk).fell_back)
    assert desk.last(TrainReport) is None


@pytest.mark.slow
def test_a_model_departs_from_the_recipe_within_its_bounds(
    studio: Studio, job: FineTuneJob, split: SplitReport
) -> None:
    desk = desk_of(studio, job)
    tools = training_tools(desk, resolve_base(studio, job), split)
    for tool in tools[:3]:
        desk.keep(tool())

    desk.keep(BaseModelName(name="tiny", sha256="ab" * 32))
    desk.keep(import_dataset(Path(job.dataset), studio.workspace.datasets))

    report = tools[3](learning_rate=1e-3, num_train_epochs=1, r=4)

    assert isinstance(report, TrainReport)
    recipe = (desk.folder / "recipe.yaml").read_text(encoding="utf-8")
    assert "learning_rate: 0.001" in recipe
    assert "r: 4\n" in recipe
