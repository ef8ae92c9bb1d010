import math
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.listener import Listener
from tools.errors import TrainingError
from tools.hub.resolve_model import ModelSource
from tools.progress import Cancelled
from tools.training.checkpoints import MANIFEST, Manifest, damage
from tools.training.recipe import Recipe
from tools.training.train_lora import train_lora

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning:peft"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

ROOT = Path(__file__).parents[3]
Rows = tuple[Path, Path]


@pytest.fixture
def recipe(source: ModelSource) -> Recipe:
    return Recipe(
        model_name_or_path=source.name, learning_rate=1e-2, num_train_epochs=4, r=4, lora_alpha=8
    )


def test_training_lowers_the_loss_on_rows_it_did_not_see(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    listener = Listener()

    report = train_lora(recipe, source, colours, tmp_path, progress=listener)

    assert report.eval_loss < report.first_eval_loss - 0.5
    assert report.steps == 32
    assert listener.values("eval_loss")[0] == report.first_eval_loss
    assert listener.percents[-1] == 100
    assert {"adapter_model.safetensors", "adapter_config.json"} <= {
        path.name for path in (tmp_path / "adapter").iterdir()
    }
    assert str(source.folder) not in (tmp_path / "adapter" / "adapter_config.json").read_text()


def test_the_same_seed_gives_the_same_weights(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    first = train_lora(recipe, source, colours, tmp_path / "first")
    second = train_lora(recipe, source, colours, tmp_path / "second")

    assert first.adapter_sha256 == second.adapter_sha256
    assert first.losses == second.losses


def test_a_finished_training_is_not_done_again(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    first = train_lora(recipe, source, colours, tmp_path)
    listener = Listener()

    assert train_lora(recipe, source, colours, tmp_path, progress=listener) == first
    assert listener.percents == []


def test_asked_to_stop_it_goes_on_later_as_if_nothing_had_happened(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    whole = train_lora(recipe, source, colours, tmp_path / "whole")
    with pytest.raises(Cancelled):
        train_lora(recipe, source, colours, tmp_path / "part", progress=Listener(stop_after=13))
    checkpoints = [path.name for path in (tmp_path / "part" / "checkpoints").glob("checkpoint-*")]

    resumed = train_lora(recipe, source, colours, tmp_path / "part")

    assert "checkpoint-14" in checkpoints
    assert resumed.resumed_from_step == 14
    assert resumed.adapter_sha256 == whole.adapter_sha256


def test_killed_it_goes_on_from_a_sound_checkpoint(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    whole = train_lora(recipe, source, colours, tmp_path / "whole")
    folder = tmp_path / "killed"
    _train_in_a_process_and_kill_it(recipe, source, colours, folder)

    resumed = train_lora(recipe, source, colours, folder)

    assert resumed.resumed_from_step is not None
    assert resumed.adapter_sha256 == whole.adapter_sha256


def test_a_damaged_checkpoint_is_passed_over_aloud(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        train_lora(recipe, source, colours, tmp_path, progress=Listener(stop_after=13))
    (tmp_path / "checkpoints" / "checkpoint-14" / "optimizer.pt").unlink()
    listener = Listener()

    report = train_lora(recipe, source, colours, tmp_path, progress=listener)

    assert report.resumed_from_step == 12
    assert "step 14 is passed over: its file optimizer.pt" in listener.logs[0]


def test_a_base_whose_loss_is_no_number_is_not_trained(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    broken = shutil.copytree(source.folder, tmp_path / "broken")
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"] *= float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    base = source.model_copy(update={"folder": broken})

    with pytest.raises(TrainingError, match="before the first step: the base model's weights"):
        train_lora(recipe, base, colours, tmp_path / "run", progress=_NumbersOnly())


def test_a_checkpoint_that_cannot_be_written_leaves_the_ones_before_intact(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    with (
        _file_limit_kept(),
        pytest.raises(TrainingError, match="cannot be written; the one before it is intact"),
    ):
        train_lora(recipe, source, colours, tmp_path, progress=_DiskFillsUp())

    sealed = list(tmp_path.glob("checkpoints/checkpoint-*"))
    assert sealed
    for checkpoint in sealed:
        manifest = Manifest.model_validate_json((checkpoint / MANIFEST).read_text("utf-8"))
        assert damage(checkpoint, manifest.fingerprint) is None


@contextmanager
def _file_limit_kept() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class _DiskFillsUp(Listener):
    """Lets no file grow beyond 20 kB from the tenth step on: the system refuses the write."""

    def percent(self, done: float, seconds_left: float | None = None) -> None:
        super().percent(done, seconds_left)
        if len(self.percents) == 10:
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))


class _NumbersOnly(Listener):
    """Fails when it is told a loss that is no number."""

    def metric(self, name: str, value: float, step: int) -> None:
        assert math.isfinite(value)
        super().metric(name, value, step)


def _train_in_a_process_and_kill_it(
    recipe: Recipe, source: ModelSource, rows: Rows, folder: Path
) -> None:
    """Kill the process with SIGKILL as soon as a checkpoint stands."""
    script = f"""
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tests.listener import Listener
from tools.hub.resolve_model import ModelSource
from tools.training.checkpoints import MANIFEST, Manifest, damage
from tools.training.recipe import Recipe
from tools.training.train_lora import train_lora

class Slow(Listener):
    def check(self):
        time.sleep(0.2)

train_lora(
    Recipe.model_validate_json({recipe.model_dump_json()!r}),
    ModelSource.model_validate_json({source.model_dump_json()!r}),
    (Path({str(rows[0])!r}), Path({str(rows[1])!r})),
    Path({str(folder)!r}),
    progress=Slow(),
)
"""
    process = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    try:
        _wait_for(folder / "checkpoints" / "checkpoint-8" / "MANIFEST.json", process)
    finally:
        process.kill()
        process.wait()
    assert not (folder / "adapter").exists()


def _wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    while not path.exists():
        assert process.poll() is None, "the training ended before it could be killed"
        time.sleep(0.05)
