"""Runs that were stopped, killed or refused on the way, and go on."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy
import pytest
from safetensors.numpy import save_file

from agents.fine_tune_flow import begin, go_on
from agents.job import FineTuneJob, Studio
from agents.run_state import check_adapter_kept, load_state
from tests.agents.champions import crown_a_stranger
from tests.agents.reports import trained
from tests.agents.scripted_llm import ScriptedLLM
from tests.agents.whole_run import champion_after, receipts_of, run
from tests.listener import Listener
from tools.data.conversation import label_of
from tools.errors import WorkspaceError
from tools.files import sha256_of
from tools.progress import Cancelled
from tools.tracking.registry import model_name_for
from tools.tracking.store import TrackingStore

ROOT = Path(__file__).parents[2]


class Interrupted(Listener):
    """Does something as soon as the question of `agent` is open."""

    def __init__(self, agent: str, act: Callable[[], object]) -> None:
        super().__init__()
        self._agent, self._act = agent, act

    def log(self, message: str) -> None:
        super().log(message)
        if message.startswith(f"{self._agent}: "):
            self._act()


def stop() -> None:
    raise Cancelled("Stopped on request.")


@pytest.mark.slow
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


@pytest.mark.slow
def test_killed_in_the_training_it_goes_on(studio: Studio, job: FineTuneJob) -> None:
    run_id = begin(studio, job)
    folder = studio.workspace.run(run_id)
    _go_on_in_a_process_and_kill_it(studio, folder)

    verdict = go_on(studio, run_id)

    assert verdict.verdict == "better"
    assert len(verdict.receipts) == 4


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_run_that_ended_gives_its_verdict_again(studio: Studio, job: FineTuneJob) -> None:
    verdict = run(studio, job)

    again = go_on(studio, verdict.run_id)

    assert again.model_copy(update={"created_at": verdict.created_at}) == verdict


@pytest.mark.slow
def test_a_champion_that_came_in_between_costs_the_promotion_and_is_compared_with_later(
    studio: Studio, job: FineTuneJob
) -> None:
    run_id = begin(studio, job)

    def crown() -> None:
        state = load_state(studio.workspace.run(run_id))
        assert state.data is not None
        name = model_name_for(
            state.base_name,
            base_sha256=state.base_sha256,
            dataset_label=label_of(Path(state.data.imported.dataset)),
            dataset_source=state.data.imported.source_key,
        )
        crown_a_stranger(studio.store, name)

    refused = go_on(replace(studio, progress=Interrupted("MLflow Monitor", crown)), run_id)
    claim = json.dumps({"verdict": "better", "reasons": "As before."})
    later = go_on(replace(studio, llm=ScriptedLLM(model="scripted", replies=[claim])), run_id)

    assert (refused.verdict, refused.promoted) == ("better", False)
    assert str(refused.tracking.problem).startswith("The champion is now version 1, and the gate ")
    assert refused.next_command == f"make demo RESUME={run_id}"
    # The gate was asked again, whatever the model claims; the stranger's adapter does not exist.
    assert (later.verdict, later.promoted, later.tracking.problem) == ("better", False, None)
    assert "before ask_gate has been called" in str(receipts_of(studio, later)[2].fell_back)
    assert later.gate.reasons == (
        "Today's champion could not be fetched, so there was nothing to beat.",
    )
    assert champion_after(studio, later) == 1


@pytest.mark.slow
def test_a_run_whose_adapter_is_gone_says_so_and_wants_a_new_run(
    studio: Studio, job: FineTuneJob
) -> None:
    run_id = begin(studio, job)
    with pytest.raises(Cancelled):
        go_on(replace(studio, progress=Interrupted("Evaluation Expert", stop)), run_id)
    shutil.rmtree(studio.workspace.run(run_id) / "adapter")

    with pytest.raises(WorkspaceError, match=f"The trained adapter of the run '{run_id}' is") as e:
        go_on(studio, run_id)

    assert str(e.value).endswith("Start a new one with the same MODEL, DATASET and GOAL: make demo")


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter that may be loaded, in the folder of a run."""
    folder = tmp_path / "20261120-093000-a1b2" / "adapter"
    folder.mkdir(parents=True)
    save_file({"layer": numpy.zeros(4)}, folder / "adapter_model.safetensors")
    settings = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": "all-linear"}
    (folder / "adapter_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


DAMAGES: dict[str, Callable[[Path], object]] = {
    "gone": shutil.rmtree,
    "no weights": lambda adapter: (adapter / "adapter_model.safetensors").unlink(),
    "half the weights": lambda adapter: (adapter / "adapter_model.safetensors").write_bytes(b"{"),
    "other weights": lambda adapter: save_file(
        {"layer": numpy.ones(4)}, adapter / "adapter_model.safetensors"
    ),
    "no settings": lambda adapter: (adapter / "adapter_config.json").unlink(),
    "half the settings": lambda adapter: (adapter / "adapter_config.json").write_text("{"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_adapter_that_is_not_the_one_trained_is_found_out(adapter: Path, damage: str) -> None:
    report = trained(sha256_of(adapter / "adapter_model.safetensors"))
    check_adapter_kept(adapter.parent, report)

    DAMAGES[damage](adapter)

    with pytest.raises(WorkspaceError, match="'20261120-093000-a1b2' is missing or damaged"):
        check_adapter_kept(adapter.parent, report)


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
