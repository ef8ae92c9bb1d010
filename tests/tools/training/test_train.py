import json
import math
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.colours import chat, colour_chats
from tests.listener import Listener
from tests.tools.training.full_disk import fill_up, room_again_afterwards
from tools.data.conversation import write_version
from tools.errors import TrainingError
from tools.hub.resolve_model import ModelSource, resolve_model
from tools.progress import Cancelled
from tools.training.checkpoints import MANIFEST, Manifest, damage
from tools.training.recipe import Recipe
from tools.training.tiny_model import TinySize, build_tiny_tokenizer
from tools.training.train import train
from tools.workspace import Workspace

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

    report = train(recipe, source, colours, tmp_path, progress=listener)

    assert report.eval_loss < report.first_eval_loss - 0.5
    assert report.steps == 32
    assert listener.values("eval_loss")[0] == report.first_eval_loss
    assert listener.percents[-1] == 100
    assert {"adapter_model.safetensors", "adapter_config.json"} <= {
        path.name for path in (tmp_path / "adapter").iterdir()
    }
    for name in ("adapter_config.json", "README.md"):
        told = (tmp_path / "adapter" / name).read_text(encoding="utf-8")
        assert (str(source.folder) in told, source.shown in told) == (False, True)


def test_the_same_seed_gives_the_same_weights(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    first = train(recipe, source, colours, tmp_path / "first")
    second = train(recipe, source, colours, tmp_path / "second")

    assert first.adapter_sha256 == second.adapter_sha256
    assert first.losses == second.losses


def test_a_finished_training_is_not_done_again(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    first = train(recipe, source, colours, tmp_path)
    listener = Listener()

    assert train(recipe, source, colours, tmp_path, progress=listener) == first
    assert listener.percents == []


def test_a_report_of_another_version_is_not_taken_for_a_finished_training(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    short = recipe.model_copy(update={"num_train_epochs": 1})
    first = train(short, source, colours, tmp_path)
    path = tmp_path / "training.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    del record["report"]["train_rows"]
    path.write_text(json.dumps(record), encoding="utf-8")

    again = train(short, source, colours, tmp_path)

    assert again.adapter_sha256 == first.adapter_sha256
    assert again.train_rows == 64


def test_rows_left_out_for_their_length_are_said_and_not_counted(
    recipe: Recipe, source: ModelSource, workspace: Workspace, tmp_path: Path
) -> None:
    long = [chat(f"{number} " * 60, "red", row=number) for number in (21, 22, 23)]
    rows = (
        write_version(workspace.datasets, "train", [*colour_chats(16), *long]),
        write_version(workspace.datasets, "validation", [*colour_chats(4), long[0]]),
    )
    listener = Listener()

    report = train(
        recipe.model_copy(update={"max_length": 64, "num_train_epochs": 1}),
        source,
        rows,
        tmp_path,
        progress=listener,
    )

    assert (report.train_rows, report.train_rows_too_long) == (16, 3)
    assert listener.logs == [
        "Training tiny on 16 rows for 1 epoch.",
        "Longer than 64 tokens, and left out: 3 of 19 rows to train on. The first is row 21.",
        "Longer than 64 tokens, and left out: 1 of 5 rows to watch the loss on. The first is row "
        "21.",
    ]


def test_a_model_whose_sizes_stand_in_a_part_of_its_config_is_trained(
    colours: Rows, tmp_path: Path
) -> None:
    base = resolve_model(str(_gemma3(tmp_path / "gemma")), workspace=Workspace(tmp_path / "work"))
    recipe = Recipe(
        model_name_or_path=base.name, num_train_epochs=1, r=4, target_modules=("q_proj",)
    )

    report = train(recipe, base, colours, tmp_path / "run")

    assert report.steps == 8


def test_checkpoints_of_another_recipe_are_not_taken_for_newer_ones(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        train(recipe, source, colours, tmp_path, progress=Listener(stop_after=25))
    other = recipe.model_copy(update={"learning_rate": 1e-3})

    with pytest.raises(Cancelled):
        train(other, source, colours, tmp_path, progress=Listener(stop_after=9))

    resumed = train(other, source, colours, tmp_path)
    assert resumed.resumed_from_step == 10


def test_asked_to_stop_it_goes_on_later_as_if_nothing_had_happened(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    whole = train(recipe, source, colours, tmp_path / "whole")
    with pytest.raises(Cancelled):
        train(recipe, source, colours, tmp_path / "part", progress=Listener(stop_after=13))
    checkpoints = [path.name for path in (tmp_path / "part" / "checkpoints").glob("checkpoint-*")]

    resumed = train(recipe, source, colours, tmp_path / "part")

    assert "checkpoint-14" in checkpoints
    assert resumed.resumed_from_step == 14
    assert resumed.adapter_sha256 == whole.adapter_sha256


def test_killed_it_goes_on_from_a_sound_checkpoint(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    whole = train(recipe, source, colours, tmp_path / "whole")
    folder = tmp_path / "killed"
    _train_in_a_process_and_kill_it(recipe, source, colours, folder)

    resumed = train(recipe, source, colours, folder)

    assert resumed.resumed_from_step is not None
    assert resumed.adapter_sha256 == whole.adapter_sha256


def test_a_damaged_checkpoint_is_passed_over_aloud(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        train(recipe, source, colours, tmp_path, progress=Listener(stop_after=13))
    (tmp_path / "checkpoints" / "checkpoint-14" / "optimizer.pt").unlink()
    listener = Listener()

    report = train(recipe, source, colours, tmp_path, progress=listener)

    assert report.resumed_from_step == 12
    assert any("step 14 is passed over: its file optimizer.pt" in one for one in listener.logs)


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
        train(recipe, base, colours, tmp_path / "run", progress=_NumbersOnly())


def test_a_checkpoint_that_cannot_be_written_leaves_the_ones_before_intact(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    with (
        room_again_afterwards(),
        pytest.raises(TrainingError, match="cannot be written; the one before it is intact"),
    ):
        train(recipe, source, colours, tmp_path, progress=_DiskFillsUp())

    sealed = list(tmp_path.glob("checkpoints/checkpoint-*"))
    assert sealed
    for checkpoint in sealed:
        manifest = Manifest.model_validate_json((checkpoint / MANIFEST).read_text("utf-8"))
        assert damage(checkpoint, manifest.fingerprint) is None


class _DiskFillsUp(Listener):
    """Lets no file grow beyond 20 kB from the tenth step on: the system refuses the write."""

    def percent(self, done: float, seconds_left: float | None = None) -> None:
        super().percent(done, seconds_left)
        if len(self.percents) == 10:
            fill_up(20_000)


def _gemma3(folder: Path) -> Path:
    """Write a model that reads pictures too, of which the text part alone is of use here."""
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    tokenizer = build_tiny_tokenizer(["Say red."], TinySize(vocabulary=300))
    common = {"num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 16}
    text = {"vocab_size": len(tokenizer), "hidden_size": 16, "num_key_value_heads": 1}
    config = Gemma3Config(
        text_config={**common, **text, "head_dim": 16, "max_position_embeddings": 128},
        vision_config={**common, "hidden_size": 16, "image_size": 28, "patch_size": 14},
        mm_tokens_per_image=4,
        boi_token_index=3,
        eoi_token_index=4,
        image_token_index=5,
        eos_token_id=tokenizer.eos_token_id,
    )
    Gemma3ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


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
from tools.training.train import train

class Slow(Listener):
    def check(self):
        time.sleep(0.2)

train(
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
