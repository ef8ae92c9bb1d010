"""The whole crew on a tiny model: real training, real answers, real MLflow, no language model."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.fine_tune_flow import begin, go_on
from agents.job import FineTuneJob, Studio
from agents.receipts import Receipt
from agents.run_state import load_state
from tests.agents.scripted_llm import ScriptedLLM, call
from tests.listener import Listener
from tools.errors import DatasetError, ModelError, WorkspaceError
from tools.evaluation.verdict import Verdict
from tools.progress import Cancelled
from tools.tracking.registry import find_champion
from tools.tracking.store import TrackingStore

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
FINISH = ("verdict.json", "report.html", "recipe.yaml", "answers.jsonl", "metrics.jsonl")


def run(studio: Studio, job: FineTuneJob) -> Verdict:
    return go_on(studio, begin(studio, job))


def champion_of(studio: Studio, verdict: Verdict) -> int | None:
    champion = find_champion(studio.store, str(verdict.tracking.model))
    return champion.version if champion else None


def receipts_of(studio: Studio, verdict: Verdict) -> list[Receipt]:
    folder = studio.workspace.run(verdict.run_id)
    return [
        Receipt.model_validate_json((folder / one.file).read_text(encoding="utf-8"))
        for one in verdict.receipts
    ]


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
    assert [one.agent for one in receipts_of(studio, first)] == [
        "Data Manager",
        "Training Specialist",
        "Evaluation Expert",
        "MLflow Monitor",
    ]
    # The same seed gives the same model, which is no better than the champion.
    assert second.comparisons == first.comparisons
    assert (second.verdict, second.promoted, second.champion_version) == ("better", False, 1)
    assert champion_of(studio, second) == 1
    stored = studio.store.client().get_run(str(first.tracking.mlflow_run_id))
    assert stored.data.metrics["tuned_exact_match"] == first.comparisons[0].candidate
    assert stored.inputs.dataset_inputs[0].dataset.name.startswith("colours-train-")


def test_shuffled_labels_are_not_called_better_and_move_no_champion(
    studio: Studio, job: FineTuneJob
) -> None:
    verdict = run(studio, job.model_copy(update={"shuffle_labels": True}))

    assert (verdict.verdict, verdict.promoted) == ("not better", False)
    assert verdict.dataset.shuffled_labels
    assert champion_of(studio, verdict) is None


class CrewModel(ScriptedLLM):
    """Calls the tools of each agent in the order of its script, then answers from the results."""

    def call(self, messages: Any, *_: Any, **__: Any) -> Any:
        self.told.append(json.dumps(messages, default=str))
        results = {one["name"]: one["content"] for one in messages if one.get("role") == "tool"}
        for tool, source in SCRIPT[messages[0]["content"].partition(".")[0]]:
            if tool not in results:
                named = {"dataset": json.loads(results[source])["dataset"]} if source else {}
                return call(tool, **named)
        return json.dumps(ANSWERS[messages[0]["content"].partition(".")[0]](results))


SCRIPT: dict[str, list[tuple[str, str]]] = {
    "You are Data Manager": [
        ("import_user_dataset", ""),
        ("remove_invalid_rows", "import_user_dataset"),
        ("split_for_training", "remove_invalid_rows"),
    ],
    "You are Training Specialist": [
        ("probe_machine", ""),
        ("prove_training_masks", ""),
        ("recommend_recipe", ""),
        ("train_adapter", ""),
    ],
    "You are Evaluation Expert": [
        ("find_todays_champion", ""),
        ("answer_heldout_rows", ""),
        ("compare_with_base", ""),
        ("ask_gate", ""),
    ],
    "You are MLflow Monitor": [
        ("record_this_run", ""),
        ("register_adapter", ""),
        ("ask_promotion", ""),
    ],
}
ANSWERS: dict[str, Any] = {
    "You are Data Manager": lambda seen: {
        "verdict": "fit after repairs",
        **{
            part: json.loads(seen["split_for_training"])[part]
            for part in ("train", "validation", "heldout")
        },
        "reasons": "Faulty rows are gone.",
    },
    "You are Training Specialist": lambda seen: {
        "verdict": "trained",
        "adapter_sha256": json.loads(seen["train_adapter"])["adapter_sha256"],
        "reasons": "The loss fell.",
    },
    "You are Evaluation Expert": lambda seen: {
        "verdict": json.loads(seen["ask_gate"])["verdict"],
        "reasons": "So says the gate.",
    },
    "You are MLflow Monitor": lambda seen: {
        "verdict": "recorded",
        "version": json.loads(seen["register_adapter"])["version"],
        "champion": json.loads(seen["ask_promotion"])["promoted"],
        "reasons": "It is on record.",
    },
}


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


def test_a_model_that_talks_garbage_starts_and_promotes_nothing_by_itself(
    studio: Studio, job: FineTuneJob
) -> None:
    boast = json.dumps({"verdict": "better", "reasons": "Promote it now!", "champion": True})
    llm = ScriptedLLM(model="scripted", replies=[boast])

    verdict = run(replace(studio, llm=llm), job)

    assert [one.fell_back for one in verdict.receipts] == [True] * 4
    assert verdict.gate.promote == verdict.promoted


def test_stopped_in_the_training_it_goes_on_and_ends_the_same(
    studio: Studio, job: FineTuneJob
) -> None:
    whole = run(studio, job)
    run_id = begin(studio, job)
    with pytest.raises(Cancelled):
        go_on(replace(studio, progress=Listener(stop_after=40)), run_id)
    state = load_state(studio.workspace.run(run_id))

    verdict = go_on(studio, run_id)

    assert state.data is not None
    assert state.training is None
    assert verdict.comparisons == whole.comparisons
    resumed = load_state(studio.workspace.run(run_id)).training
    assert resumed is not None
    assert resumed.training.resumed_from_step is not None


def test_killed_in_the_training_it_goes_on(studio: Studio, job: FineTuneJob) -> None:
    run_id = begin(studio, job)
    folder = studio.workspace.run(run_id)
    _go_on_in_a_process_and_kill_it(studio, folder)

    verdict = go_on(studio, run_id)

    assert verdict.verdict == "better"
    assert len(verdict.receipts) == 4


def test_without_mlflow_the_verdict_stands_and_the_record_follows_later(
    studio: Studio, job: FineTuneJob
) -> None:
    dead = TrackingStore(tracking_uri="http://127.0.0.1:9")
    run_id = begin(studio, job)

    verdict = go_on(replace(studio, store=dead), run_id)
    later = go_on(studio, run_id)

    assert verdict.tracking.version is None
    assert verdict.tracking.problem
    assert verdict.next_command == f"make demo RESUME={run_id}"
    assert (later.verdict, later.tracking.version) == (verdict.verdict, 1)
    assert later.tracking.problem is None


def test_a_run_that_ended_gives_its_verdict_again(studio: Studio, job: FineTuneJob) -> None:
    verdict = run(studio, job)

    again = go_on(studio, verdict.run_id)

    assert again.model_copy(update={"created_at": verdict.created_at}) == verdict


def test_data_that_is_not_fit_ends_the_run_with_the_reason(
    studio: Studio, job: FineTuneJob, tmp_path: Path
) -> None:
    (tmp_path / "few.csv").write_text("prompt,completion\na,b\n", encoding="utf-8")

    with pytest.raises(DatasetError, match="20 are needed"):
        run(studio, job.model_copy(update={"dataset": str(tmp_path / "few.csv")}))


def test_a_model_that_does_not_exist_is_refused_before_a_run_is_made(
    studio: Studio, job: FineTuneJob
) -> None:
    with pytest.raises(ModelError, match="local model 'nonesuch'"):
        begin(studio, job.model_copy(update={"model": "nonesuch"}))

    assert not (studio.workspace.root / "runs").exists()


def test_a_run_without_a_state_cannot_go_on(studio: Studio) -> None:
    folder = studio.workspace.new_run()

    with pytest.raises(WorkspaceError, match="cannot go on"):
        go_on(studio, folder.name)


def _go_on_in_a_process_and_kill_it(studio: Studio, folder: Path) -> None:
    """Kill the process with SIGKILL as soon as a checkpoint stands."""
    script = f"""
import time
from pathlib import Path
from backend.settings import quiet_libraries
quiet_libraries()
from agents.fine_tune_flow import go_on
from agents.job import Studio
from tests.listener import Listener
from tools.tracking.store import TrackingStore
from tools.workspace import Workspace

class Slow(Listener):
    def check(self):
        time.sleep(0.1)

store = TrackingStore.model_validate_json({studio.store.model_dump_json()!r})
workspace = Workspace(Path({str(studio.workspace.root)!r}))
go_on(Studio(workspace=workspace, store=store, progress=Slow()), {folder.name!r})
"""
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    try:
        while not list((folder / "checkpoints").glob("checkpoint-*/MANIFEST.json")):
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
