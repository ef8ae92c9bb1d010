"""What a recipe says of templates, weights and lengths, seen in a whole training."""

from pathlib import Path
from typing import Any

import pytest

from tests.colours import chat, colour_chats
from tests.listener import Listener
from tools.data.conversation import Conversation, write_version
from tools.errors import DatasetError, TrainingError
from tools.evaluation.evaluate_adapter import answer_rows
from tools.hub.resolve_model import ModelSource
from tools.training.load_model import load_model, load_tokenizer
from tools.training.recipe import Recipe
from tools.training.train import train
from tools.workspace import Workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::FutureWarning:peft"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

Rows = tuple[Path, Path]


@pytest.fixture
def recipe(source: ModelSource) -> Recipe:
    return Recipe(model_name_or_path=source.name, num_train_epochs=1, r=4, chat_template="plain")


def test_the_chosen_template_goes_with_the_adapter_and_is_what_everyone_is_asked_in(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    train(recipe, source, colours, tmp_path)

    # Whoever loads the adapter's own tokenizer speaks as it was taught to.
    from transformers import AutoTokenizer

    saved = AutoTokenizer.from_pretrained(str(tmp_path / "adapter"))
    chosen = load_tokenizer(source, "plain")
    assert saved.chat_template == chosen.chat_template
    assert "<|im_start|>" not in saved.chat_template
    for path in (tmp_path / "adapter").glob("*.json"):
        assert str(source.folder) not in path.read_text(encoding="utf-8")

    base = load_model(source, chat_template=recipe.chat_template)
    given: list[str] = []

    def listen(_: Any, __: Any, named: dict[str, Any]) -> None:
        given.extend(base.tokenizer.batch_decode(named["input_ids"], skip_special_tokens=False))

    base.model.register_forward_pre_hook(listen, with_kwargs=True)
    report = answer_rows(
        base,
        {"tuned": tmp_path / "adapter"},
        heldout=colours[1],
        folder=tmp_path,
        max_positions=128,
        thoughts=recipe.thoughts,
    )
    assert (report.rows, report.candidates) == (16, ("base", "tuned"))
    asked = [text.replace("<|pad|>", "") for text in given if ": say " in text]
    assert len(asked) >= 2 * 16
    assert [text for text in asked if not text.startswith("Row ")] == []


def test_the_base_s_own_template_is_not_written_again(
    recipe: Recipe, source: ModelSource, colours: Rows, tmp_path: Path
) -> None:
    train(recipe.model_copy(update={"chat_template": "own"}), source, colours, tmp_path)

    names = {path.name for path in (tmp_path / "adapter").iterdir()}
    assert names == {"README.md", "adapter_config.json", "adapter_model.safetensors"}


def weighing(rows: list[Conversation], weight: float) -> list[Conversation]:
    return [
        row.model_copy(
            update={
                "messages": (
                    row.messages[0],
                    row.messages[1].model_copy(update={"weight": weight}),
                )
            }
        )
        for row in rows
    ]


def test_rows_that_all_weigh_alike_are_trained_as_if_none_had_a_weight(
    source: ModelSource, workspace: Workspace, tmp_path: Path
) -> None:
    recipe = Recipe(
        model_name_or_path=source.name,
        num_train_epochs=1,
        r=4,
        learning_rate=1e-2,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=3,
    )
    reports = []
    for weight in (1.0, 3.0):
        chats = weighing(colour_chats(32), weight)
        rows = (
            write_version(workspace.datasets, "train", chats[:24]),
            write_version(workspace.datasets, "validation", chats[24:]),
        )
        reports.append(train(recipe, source, rows, tmp_path / str(weight)))

    one, three = ([point.loss or point.eval_loss for point in it.losses] for it in reports)
    assert three == pytest.approx(one, rel=1e-4)


def test_rows_that_are_cut_are_said(
    source: ModelSource, workspace: Workspace, tmp_path: Path
) -> None:
    long = [chat("Say red.", f"{number} " * 60, row=number) for number in (21, 22)]
    rows = (
        write_version(workspace.datasets, "train", [*colour_chats(16), *long]),
        write_version(workspace.datasets, "validation", colour_chats(4)),
    )
    recipe = Recipe(
        model_name_or_path=source.name, num_train_epochs=1, max_length=64, long_rows="cut"
    )
    listener = Listener()

    report = train(recipe, source, rows, tmp_path, progress=listener)

    assert (report.train_rows, report.train_rows_too_long) == (18, 0)
    assert listener.logs[1:] == [
        "Cut to 64 tokens: 2 of 18 rows to train on, 2 of them within an answer."
    ]


def test_nothing_is_trained_before_every_row_is_proven(
    source: ModelSource, workspace: Workspace, tmp_path: Path
) -> None:
    unlearnable = colour_chats(3)[2].model_copy(update={"label": False})
    cases = (
        (unlearnable, DatasetError, "Row 3 is marked as a bad answer"),
        (chat("Say red.", "red<|im_end|>", row=3), TrainingError, "Row 3: an answer ends twice"),
        (chat("x" * 100, "red", row=3), TrainingError, "Row 3 would be cut before its answer"),
    )
    recipe = Recipe(model_name_or_path=source.name, max_length=64, long_rows="cut")
    for row, refusal, words in cases:
        rows = write_version(workspace.datasets, "rows", [*colour_chats(2), row])
        listener = Listener()
        with pytest.raises(refusal, match=words):
            train(recipe, source, (rows, rows), tmp_path, progress=listener)
        assert (listener.percents, list(tmp_path.glob("checkpoints/*"))) == ([], [])
