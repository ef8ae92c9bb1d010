from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from peft import get_peft_model
from safetensors.torch import save_file

from tests.tools.training.full_disk import full_disk
from tools.errors import DiskError
from tools.files import write_text
from tools.hub.resolve_model import ModelSource
from tools.training.guard_writing import guard_writing
from tools.training.load_model import LoadedModel
from tools.training.make_learner import lora_config
from tools.training.pretrain import pretrain
from tools.training.recipe import Recipe
from tools.training.tiny_model import TinySize
from tools.training.write_adapter import write_adapter

WEIGHTS = {"layer": torch.zeros(10_000)}
Write = Callable[[LoadedModel, Path], object]
WRITES: dict[str, Write] = {
    "safetensors": lambda _, folder: save_file(WEIGHTS, folder / "weights.safetensors"),
    "torch": lambda _, folder: torch.save(WEIGHTS, folder / "weights.pt"),
    "tokenizers": lambda model, folder: model.tokenizer.save_pretrained(folder),
    "Python": lambda _, folder: (folder / "text").write_text("-" * 10_000),
    "ours": lambda _, folder: write_text(folder / "text", "-" * 10_000),
}


@pytest.mark.parametrize("write", WRITES)
def test_every_library_s_word_for_a_full_disk_is_understood(
    loaded: LoadedModel, tmp_path: Path, write: str
) -> None:
    with (
        full_disk(),
        pytest.raises(DiskError, match="The disk is full"),
        guard_writing(DiskError("The disk is full.")),
    ):
        WRITES[write](loaded, tmp_path)


@pytest.mark.parametrize("error", [ValueError("writing"), RuntimeError("shapes"), Exception("no")])
def test_another_failure_stays_what_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as failure, guard_writing(DiskError("The disk is full.")):
        raise error

    assert failure.value is error


def test_an_adapter_that_cannot_be_written_leaves_the_one_before(
    loaded: LoadedModel, source: ModelSource, tmp_path: Path
) -> None:
    model = get_peft_model(loaded.model, lora_config(Recipe(model_name_or_path="tiny")))
    write_adapter(model, source, tmp_path / "adapter")
    before = {path.name: path.read_bytes() for path in (tmp_path / "adapter").iterdir()}

    with (
        full_disk(),
        pytest.raises(DiskError, match=r"adapter cannot be written.*then go on with the run"),
    ):
        write_adapter(model, source, tmp_path / "adapter")

    assert {path.name: path.read_bytes() for path in (tmp_path / "adapter").iterdir()} == before


def test_a_model_that_cannot_be_written_is_not_there(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("User: Say red.\nAssistant: red\n\nRed is red.\n", encoding="utf-8")
    size = TinySize(vocabulary=300, hidden=8, intermediate=8, layers=1, heads=1, steps=1)

    with (
        full_disk(),
        pytest.raises(DiskError, match="'tiny' cannot be written"),
    ):
        pretrain(tmp_path / "tiny", text, size=size)

    assert [path.name for path in tmp_path.iterdir()] == ["text.txt"]
