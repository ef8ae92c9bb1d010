"""The MLflow Monitor at a real MLflow: its adapter is a file of the test, its gate the real one."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.answers import RecordDecision
from agents.desk import BaseModelName, Desk
from agents.job import FineTuneJob, Studio
from agents.mlflow_monitor import PromotionReport, keep_record
from agents.receipts import Receipt
from agents.record import model_name
from tests.agents.scripted_llm import ScriptedLLM, call
from tests.colours import colour_chats
from tools.data.conversation import write_version
from tools.data.import_dataset import import_dataset
from tools.data.split_dataset import split_dataset
from tools.evaluation.compare import Comparison
from tools.evaluation.evaluate_adapter import CompareReport
from tools.evaluation.gate import decide
from tools.files import sha256_of
from tools.tracking.registry import find_champion
from tools.training.recipe import Recipe
from tools.training.train_lora import TrainReport

ORDER = [call("record_this_run"), call("register_adapter"), call("ask_promotion")]


def desk_of(studio: Studio, job: FineTuneJob, replies: list[Any], *, better: bool) -> Desk:
    """Return a desk on which training and evaluation have ended."""
    llm = ScriptedLLM(model="scripted", replies=replies)
    desk = Desk(replace(studio, llm=llm), job, studio.workspace.new_run())
    weights = desk.folder / "adapter" / "adapter_model.safetensors"
    weights.parent.mkdir()
    weights.write_text(f"weights of {desk.folder.name}", encoding="utf-8")
    weights.with_name("adapter_config.json").write_text("{}", encoding="utf-8")
    training = TrainReport(
        adapter_sha256=sha256_of(weights),
        steps=8,
        train_loss=1.0,
        eval_loss=1.1,
        first_eval_loss=2.0,
        tokens_in_loss=100,
        seconds=1.0,
        resumed_from_step=None,
        losses=(),
    )
    one = Comparison(
        metric="exact_match",
        higher_is_better=True,
        rows=40,
        baseline=0.1,
        candidate=0.4,
        difference=0.3,
        low=0.2 if better else -0.2,
        high=0.5,
    )
    gate = decide(
        against_base=[one],
        reading=one,
        against_champion=None,
        champion_version=None,
        primary_metric="exact_match",
        adapter_sha256=training.adapter_sha256,
    )
    compared = CompareReport(
        primary_metric="exact_match", against_base=(one,), reading=one, against_champion=None
    )
    imported = import_dataset(Path(job.dataset), studio.workspace.datasets)
    recipe = Recipe(model_name_or_path="tiny")
    base = BaseModelName(name="tiny", sha256="ab" * 32)
    for report in (base, imported, recipe, training, compared, gate):
        desk.keep(report)
    return desk


def keep(desk: Desk) -> RecordDecision:
    folder = desk.studio.workspace.datasets
    split = split_dataset(write_version(folder, "colours", colour_chats(160)), folder, seed=1)
    return keep_record(desk, split)


def told(desk: Desk) -> list[str]:
    assert isinstance(desk.studio.llm, ScriptedLLM)
    return desk.studio.llm.told


def receipt_of(desk: Desk) -> Receipt:
    text = (desk.folder / "receipts" / "4-mlflow_monitor.json").read_text(encoding="utf-8")
    return Receipt.model_validate_json(text)


def says(verdict: str = "recorded", **more: Any) -> str:
    return json.dumps({"verdict": verdict, "reasons": "As reported.", **more})


@pytest.mark.parametrize("better", [True, False])
def test_the_gate_alone_moves_the_champion(studio: Studio, job: FineTuneJob, better: bool) -> None:
    replies = [*ORDER, says(version=1, champion=better)]
    desk = desk_of(studio, job, replies, better=better)

    decision = keep(desk)

    champion = find_champion(studio.store, model_name(desk))
    assert (decision.version, decision.champion) == (1, better)
    assert (champion.version if champion else None) == (1 if better else None)
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
    studio: Studio, job: FineTuneJob, claim: str
) -> None:
    desk = desk_of(studio, job, [*ORDER, claim, says(version=1)], better=False)

    decision = keep(desk)

    assert (decision.verdict, decision.version, decision.champion) == ("recorded", 1, False)
    # The last but one question holds the claim, the last what is wrong with it.
    assert "say what was reported" in told(desk)[-1] or "It is version 1" in told(desk)[-1]
    assert find_champion(studio.store, model_name(desk)) is None


def test_one_that_insists_is_replaced_by_the_rules_and_promotes_nothing(
    studio: Studio, job: FineTuneJob
) -> None:
    desk = desk_of(studio, job, [says(version=1, champion=True)], better=False)

    decision = keep(desk)

    assert (decision.verdict, decision.version, decision.champion) == ("recorded", 1, False)
    assert "Nothing is on record" in str(receipt_of(desk).fell_back)
    assert find_champion(studio.store, model_name(desk)) is None


@pytest.mark.parametrize(
    ("tool", "first"),
    [("register_adapter", "record_this_run"), ("ask_promotion", "register_adapter")],
)
def test_a_tool_called_out_of_order_names_the_one_before(
    studio: Studio, job: FineTuneJob, tool: str, first: str
) -> None:
    desk = desk_of(studio, job, [call(tool), says("failed")], better=True)

    assert keep(desk).verdict == "failed"
    assert [one.refusal for one in desk.calls] == [f"Call {first} first."]
    assert find_champion(studio.store, model_name(desk)) is None


def test_recorded_but_not_put_to_the_gate_is_not_an_answer(
    studio: Studio, job: FineTuneJob
) -> None:
    replies = [*ORDER[:2], says(version=1), ORDER[2], says(version=1, champion=True)]
    desk = desk_of(studio, job, replies, better=True)

    assert keep(desk).champion
    assert any("Call ask_promotion first" in one for one in told(desk))
