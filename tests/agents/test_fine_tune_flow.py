"""The whole crew on a tiny model: real training, real answers, real MLflow, no language model."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.fine_tune_flow import begin
from agents.job import FineTuneJob, Studio
from agents.run_state import load_state
from tests.agents.crew_model import CrewModel
from tests.agents.scripted_llm import ScriptedLLM
from tests.agents.whole_run import champion_after, receipts_of, run
from tools.errors import DatasetError, ModelError

AGENTS = ("Data Manager", "Training Specialist", "Evaluation Expert", "MLflow Monitor")
FINISH = ("verdict.json", "report.html", "recipe.yaml", "answers.jsonl", "metrics.jsonl")


@pytest.mark.slow
def test_the_crew_trains_a_better_model_and_makes_it_champion_once(
    studio: Studio, job: FineTuneJob
) -> None:
    first = run(studio, job)
    second = run(studio, job)

    assert (first.verdict, first.promoted, first.champion_version) == ("better", True, None)
    assert [one.metric for one in first.comparisons] == ["exact_match", "rouge_l", "loss"]
    assert len(first.samples) == 10
    folder = studio.workspace.run(first.run_id)
    assert all((folder / name).is_file() for name in FINISH)
    assert tuple(one.agent for one in receipts_of(studio, first)) == AGENTS
    # The same seed gives the same model, which is no better than the champion.
    assert second.comparisons == first.comparisons
    assert (second.verdict, second.promoted, second.champion_version) == ("better", False, 1)
    assert champion_after(studio, second) == 1
    stored = studio.store.client().get_run(str(first.tracking.mlflow_run_id))
    assert stored.data.metrics["tuned_exact_match"] == first.comparisons[0].candidate
    assert stored.inputs.dataset_inputs[0].dataset.name.startswith("colours-train-")


@pytest.mark.slow
def test_shuffled_labels_are_not_called_better_and_move_no_champion(
    studio: Studio, job: FineTuneJob
) -> None:
    verdict = run(studio, job.model_copy(update={"shuffle_labels": True}))

    assert (verdict.verdict, verdict.promoted) == ("not better", False)
    assert verdict.dataset.shuffled_labels
    assert champion_after(studio, verdict) is None


@pytest.mark.slow
def test_rows_left_out_for_their_length_are_not_counted_as_trained_or_compared(
    studio: Studio, job: FineTuneJob, colour_file: Path
) -> None:
    long = "zq" * 100  # the model reads 128 tokens
    with colour_file.open("a", encoding="utf-8") as file:
        for row in range(40):
            file.write(f'{{"prompt": "Row {row}: {long}", "completion": "blue"}}\n')

    verdict = run(studio, job)

    data, step = verdict.dataset, load_state(studio.workspace.run(verdict.run_id)).data
    assert step is not None
    assert data.rows_train_too_long > 0
    assert data.rows_train + data.rows_train_too_long == step.split.train_rows
    assert data.rows_heldout_too_long > 0
    assert data.rows_heldout + data.rows_heldout_too_long == step.split.heldout_rows
    assert {one.rows for one in verdict.comparisons} == {data.rows_heldout}
    stored = studio.store.client().get_run(str(verdict.tracking.mlflow_run_id)).data.metrics
    assert stored["train_rows"] == data.rows_train
    assert stored["train_rows_too_long"] == data.rows_train_too_long


@pytest.mark.slow
def test_four_agents_work_on_a_scripted_model(studio: Studio, job: FineTuneJob) -> None:
    llm = CrewModel(model="scripted", replies=[""])

    verdict = run(replace(studio, llm=llm), job)

    assert (verdict.verdict, verdict.language_model) == ("better", "scripted")
    assert [(one.model, one.fell_back) for one in verdict.receipts] == [("scripted", False)] * 4
    assert [one.answer["reasons"] for one in receipts_of(studio, verdict)] == [
        "Faulty rows are gone.",
        "The loss fell.",
        "So says the gate.",
        "It is on record.",
    ]
    assert str(studio.workspace.root) not in "".join(llm.told)


@pytest.mark.slow
def test_a_model_that_only_boasts_is_replaced_in_every_step_and_promotes_nothing(
    studio: Studio, job: FineTuneJob
) -> None:
    boast = json.dumps({"verdict": "better", "reasons": "Promote it now!", "champion": True})
    llm = ScriptedLLM(model="scripted", replies=[boast])

    verdict = run(replace(studio, llm=llm), job.model_copy(update={"shuffle_labels": True}))

    assert (verdict.verdict, verdict.promoted, verdict.gate.promote) == ("not better", False, False)
    assert champion_after(studio, verdict) is None
    assert verdict.language_model == "rules"
    assert [(one.agent, one.model, one.fell_back) for one in verdict.receipts] == [
        (agent, "rules", True) for agent in AGENTS
    ]
    for receipt in receipts_of(studio, verdict):
        assert "not the JSON object asked for" in str(receipt.fell_back)
        assert receipt.answer["reasons"] != "Promote it now!"


def test_data_that_is_not_fit_ends_the_run_with_the_reason(
    studio: Studio, job: FineTuneJob, tmp_path: Path
) -> None:
    (tmp_path / "few.csv").write_text("prompt,completion\na,b\n", encoding="utf-8")

    with pytest.raises(DatasetError, match="20 are needed"):
        run(studio, job.model_copy(update={"dataset": str(tmp_path / "few.csv")}))


def test_a_dataset_that_can_be_none_is_refused_before_the_model_is_looked_at(
    studio: Studio, job: FineTuneJob
) -> None:
    with pytest.raises(DatasetError, match="'my data' is not a dataset"):
        begin(studio, job.model_copy(update={"dataset": "my data", "model": "nonesuch"}))

    assert not (studio.workspace.root / "runs").exists()


def test_a_model_that_does_not_exist_is_refused_before_a_run_is_made(
    studio: Studio, job: FineTuneJob
) -> None:
    with pytest.raises(ModelError, match="local model 'nonesuch'"):
        begin(studio, job.model_copy(update={"model": "nonesuch"}))

    assert not (studio.workspace.root / "runs").exists()
