"""Every method trains a tiny model: the loss falls, and the adapter is what was trained."""

from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from tests.colours import colour_chats
from tests.tools.training.preferences import rows_for
from tools.data.conversation import write_version
from tools.errors import DatasetError
from tools.hub.resolve_model import ModelSource
from tools.training.load_model import attach_adapters, load_model
from tools.training.recipe import MethodName, Recipe
from tools.training.train import train
from tools.workspace import Workspace

METHODS = get_args(MethodName)
RATES = {"sft": 5e-3, "orpo": 5e-3}
GRPO = {
    "rewards": [{"name": "format", "pattern": "(?s)[a-m].*"}],
    "num_generations": 4,
    "max_completion_length": 4,
}

pytestmark = pytest.mark.slow


def recipe(source: ModelSource, method: MethodName, **values: Any) -> Recipe:
    settings = {
        "model_name_or_path": source.name,
        "method": method,
        "r": 4,
        "lora_alpha": 8,
        "learning_rate": RATES.get(method, 1e-2),
        "num_train_epochs": 6,
        "per_device_train_batch_size": 8,
        "max_length": 128,
        **(GRPO if method == "grpo" else {}),
        **values,
    }
    return Recipe.model_validate(settings)


@pytest.fixture
def rows(workspace: Workspace, method: MethodName) -> tuple[Path, Path]:
    made = rows_for(method, colour_chats(80))
    return (
        write_version(workspace.datasets, "train", made[:64]),
        write_version(workspace.datasets, "validation", made[64:]),
    )


@pytest.mark.parametrize("method", METHODS)
def test_the_loss_falls_and_the_adapter_loads_and_merges_to_the_same_model(
    source: ModelSource, rows: tuple[Path, Path], method: MethodName, tmp_path: Path
) -> None:
    report = train(recipe(source, method), source, rows, tmp_path)

    assert report.method == method
    assert report.eval_loss < 0.95 * report.first_eval_loss
    adapted: Any = attach_adapters(load_model(source).model, {"tuned": tmp_path / "adapter"})
    asked = torch.arange(40)[None]
    with torch.no_grad():
        before = adapted(input_ids=asked).logits
        merged = adapted.merge_and_unload()(input_ids=asked).logits
        base: Any = load_model(source).model
        assert not torch.allclose(before, base(input_ids=asked).logits, atol=1e-3)
    assert torch.allclose(before, merged, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_small_batch_with_accumulation_is_the_same_training(
    source: ModelSource, rows: tuple[Path, Path], method: MethodName, tmp_path: Path
) -> None:
    reports = [
        train(
            recipe(
                source,
                method,
                num_train_epochs=1,
                per_device_train_batch_size=batch,
                gradient_accumulation_steps=8 // batch,
            ),
            source,
            rows,
            tmp_path / str(batch),
        )
        for batch in (8, 1)
    ]

    assert reports[0].train_loss == pytest.approx(reports[1].train_loss, abs=1e-3)
    assert reports[0].eval_loss == pytest.approx(reports[1].eval_loss, abs=1e-3)


@pytest.mark.parametrize("method", ["dpo"])
def test_rows_of_another_kind_are_refused_before_the_first_step(
    source: ModelSource, rows: tuple[Path, Path], workspace: Workspace, tmp_path: Path
) -> None:
    answers = write_version(workspace.datasets, "answers", colour_chats(8))

    with pytest.raises(DatasetError, match="Row 1 has no pair"):
        train(recipe(source, "dpo"), source, (answers, answers), tmp_path)
    with pytest.raises(DatasetError, match="is a preference pair"):
        train(recipe(source, "sft"), source, rows, tmp_path)
