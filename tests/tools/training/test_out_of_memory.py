"""Memory that does not suffice is told as what it is, wherever it happens."""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.colours import chat
from tools.errors import EvaluationError, ModelError, TrainingError
from tools.evaluation.answer import answer_heldout
from tools.evaluation.row_losses import row_losses
from tools.hub.resolve_model import ModelSource, resolve_model
from tools.training.encode import encode
from tools.training.load_model import LoadedModel, load_model
from tools.training.make_learner import make_learner
from tools.training.methods.method import Example
from tools.training.methods.sft import sft
from tools.training.out_of_memory import out_of_memory
from tools.training.recipe import Recipe
from tools.workspace import Workspace

TOO_MANY = 1 << 60


def give_up() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")


def have_none() -> None:
    raise OSError(errno.ENOMEM, "Cannot allocate memory")


def mistake() -> None:
    torch.zeros(2) @ torch.zeros(3)


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda: torch.empty(TOO_MANY), True),
        (lambda: bytearray(TOO_MANY), True),
        (lambda: numpy.empty(1 << 50), True),
        (give_up, True),
        (have_none, True),
        (mistake, False),
        (lambda: Path("/no/such").read_bytes(), False),
    ],
)
def test_the_end_of_memory_is_told_from_other_failures(
    act: Callable[[], object], expected: bool
) -> None:
    with pytest.raises(Exception) as failure:  # noqa: PT011
        act()

    assert out_of_memory(failure.value) is expected


@pytest.fixture
def greedy(loaded: LoadedModel) -> LoadedModel:
    """A model whose first layer asks for more memory than any machine has."""

    def ask_for_too_much(*_: Any) -> None:
        torch.empty(TOO_MANY)

    layers: Any = loaded.model.get_submodule("model.layers")
    layers[0].register_forward_pre_hook(ask_for_too_much)
    return loaded


def test_training_says_what_to_make_smaller(greedy: LoadedModel) -> None:
    rows = encode([chat("Say red.", "red")] * 8, greedy.tokenizer)
    told: list[str] = []
    recipe = Recipe(model_name_or_path="tiny")
    learner = make_learner(greedy, recipe, sft(), rows, told.append)

    with pytest.raises(TrainingError, match=r"too small for one row .* Make max_length"):
        learner.step([Example((row,)) for row in rows], rate=1e-3)

    assert "It is taken again in parts of" not in told[0]
    assert sum("The memory is too small for" in one for one in told) >= 3


def test_answering_says_so(greedy: LoadedModel) -> None:
    with pytest.raises(EvaluationError, match="too small to answer the held-out rows"):
        answer_heldout(
            greedy.model,
            greedy.tokenizer,
            conversations=[chat("Say red.", "red")],
            candidates={"base": None},
        )


def test_measuring_says_so(greedy: LoadedModel) -> None:
    rows = encode([chat("Say red.", "red")], greedy.tokenizer)

    with pytest.raises(EvaluationError, match="too small to measure the loss"):
        row_losses(greedy.model, rows, pad_token_id=0)


def test_a_model_too_large_is_not_called_damaged(source: ModelSource, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(source.folder, tmp_path / "large"))
    weights = load_file(folder / "model.safetensors")
    del weights["model.embed_tokens.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    found = resolve_model(str(folder), workspace=Workspace(tmp_path / "work"))
    # Such a size is refused when the files are judged; here it comes later.
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["vocab_size"] = 1 << 50
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")

    with pytest.raises(ModelError, match=r"too small for .*large'\. Choose a smaller model"):
        load_model(found)
