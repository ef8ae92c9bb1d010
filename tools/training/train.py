"""Fine-tune a LoRA adapter on a dataset, by the method that the recipe names.

The main path: load, encode, prove the masks, go on from the newest sound checkpoint if there is
one, take the steps, write the adapter. Asked to stop, it writes a checkpoint first; called again
with the same recipe and data it goes on from there and ends with the same weights as an
uninterrupted run.

Not covered: several GPUs, quantised bases and full fine-tuning.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tools.counted import counted
from tools.errors import RecipeError
from tools.hub.resolve_model import ModelSource, model_hash
from tools.progress import NoProgress, Progress
from tools.training.chat_templates import own_template, use_template
from tools.training.checkpoints import Checkpoints, fingerprint_of
from tools.training.end_of_turn import generation_stops
from tools.training.keep_state import Checkpointer
from tools.training.learner import Learner
from tools.training.load_model import LoadedModel, load_model
from tools.training.make_learner import make_learner
from tools.training.methods.choose_method import choose_method
from tools.training.methods.method import Example
from tools.training.read_training_rows import TrainingRows, read_training_rows, tell_left_out
from tools.training.recipe import Recipe
from tools.training.schedule import Schedule
from tools.training.step_order import StepOrder
from tools.training.tell_samples import SAMPLE_TOKENS, sampler
from tools.training.train_report import (
    ADAPTER,
    CHECKPOINTS,
    TrainReport,
    finished_training,
    keep_report,
    report_of,
)
from tools.training.train_steps import Plan, train_steps
from tools.training.write_adapter import write_adapter
from tools.training.write_answers import AnswerWriter

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LOOKS = 8  # how often the validation rows are looked at, and a checkpoint is written
_POINTS = 100  # how many losses are told


def train(
    recipe: Recipe,
    source: ModelSource,
    rows: tuple[Path, Path],
    folder: Path,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
) -> TrainReport:
    """Train an adapter for `source` and write it to `folder / "adapter"`.

    Args:
        recipe: What to train with.
        source: The base model. It is only read.
        rows: The dataset versions to train on and to watch the loss on.
        folder: Gets `adapter/`, `checkpoints/` and `training.json`. A finished training with the
            same recipe, base and rows is returned as it is.
        device: `cpu`, `cuda` or `mps`.
        progress: Is told the losses and the time left, and may ask to stop.

    Raises:
        RecipeError: The recipe is for another model.
        DatasetError: A row is not what the method learns from.
        TrainingError: A row cannot teach, a watchdog stopped the run, the memory is too small, or
            the disk is full, which is a `DiskError`.
        Cancelled: It was asked to stop; a checkpoint has been written.
    """
    progress = progress or NoProgress()
    _refuse_other_model(recipe, source)
    # A checkpoint of other library versions may load and still mean something else.
    fingerprint = fingerprint_of(
        recipe.model_dump(), model_hash(source.folder), rows[0].stem, rows[1].stem, _versions()
    )
    done = finished_training(folder, fingerprint)
    if done is not None:
        progress.log("This training was finished before; its adapter is used as it is.")
        return done
    started = time.monotonic()
    loaded = load_model(source, bf16=recipe.bf16, device=device, chat_template=recipe.chat_template)
    stops = generation_stops(source.folder)
    learning, watched = (
        read_training_rows(path, loaded.tokenizer, recipe, eos=stops) for path in rows
    )
    _announce(recipe, source, (learning, watched), progress)
    good = sum(one.good for one in learning.examples)
    writer = AnswerWriter(
        loaded, eos=stops, most_tokens=recipe.max_completion_length, temperature=recipe.temperature
    )
    sample = _sampler(rows[1], loaded, recipe, stops, progress)
    method = choose_method(recipe, writer, good=good, bad=len(learning.examples) - good)
    learner = make_learner(loaded, recipe, method, learning.examples[0].sequences, progress.log)
    checkpoints = Checkpoints(folder / CHECKPOINTS, fingerprint)
    if method.needs_reference:
        progress.log("Measuring the base model's own answers, once.")
        learning, watched = (_with_reference(one, learner) for one in (learning, watched))
    state = train_steps(
        _plan(recipe, learning, watched),
        learner,
        Checkpointer(checkpoints, learner, progress.log),
        progress=progress,
        sample=sample,
    )
    speech = _speech(recipe, loaded.tokenizer)
    write_adapter(learner.model, source, folder / ADAPTER, speech=speech)
    seconds = time.monotonic() - started
    report = report_of(recipe, state, learning.proof, folder, seconds)
    keep_report(report, folder, fingerprint)
    shutil.rmtree(checkpoints.folder, ignore_errors=True)
    return report


def _refuse_other_model(recipe: Recipe, source: ModelSource) -> None:
    if recipe.model_name_or_path not in (source.name, source.shown):
        raise RecipeError(
            f"The recipe is for {recipe.model_name_or_path!r}, and the model is {source.shown!r}."
        )


def _announce(
    recipe: Recipe,
    source: ModelSource,
    rows: tuple[TrainingRows, TrainingRows],
    progress: Progress,
) -> None:
    """Say what is trained on, and which rows are not."""
    progress.log(
        f"Training {source.shown} on {counted(rows[0].proof.rows, 'row')} for "
        f"{counted(recipe.num_train_epochs, 'epoch')}."
    )
    for one, use in zip(rows, ("train on", "watch the loss on"), strict=True):
        tell_left_out(one.proof, use, recipe, progress)


def _with_reference(rows: TrainingRows, learner: Learner) -> TrainingRows:
    """Return `rows` with the log-probabilities that the base model gives them."""
    sequences = [row for one in rows.examples for row in one.sequences]
    with learner.model.disable_adapter():
        found = iter(learner.log_probabilities(sequences))
    examples: list[Example] = [
        replace(one, reference=tuple(next(found) for _ in one.sequences)) for one in rows.examples
    ]
    return rows._replace(examples=examples)


def _sampler(
    path: Path, loaded: LoadedModel, recipe: Recipe, stops: frozenset[int], progress: Progress
) -> Callable[[], None]:
    writer = AnswerWriter(loaded, eos=stops, most_tokens=SAMPLE_TOKENS, temperature=1.0)
    at_once = recipe.per_device_train_batch_size * recipe.max_length
    return sampler(path, loaded.tokenizer, writer, progress, at_once=at_once)


def _plan(recipe: Recipe, learning: TrainingRows, watched: TrainingRows) -> Plan:
    order = StepOrder(
        [one.tokens for one in learning.examples],
        recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps,
        recipe.seed,
        by_length=not recipe.padding_free,
    )
    steps = order.steps_per_epoch * recipe.num_train_epochs
    return Plan(
        examples=learning.examples,
        held_out=watched.examples,
        order=order,
        schedule=Schedule(
            recipe.learning_rate, recipe.lr_scheduler_type, steps, recipe.warmup_steps
        ),
        look_every=max(1, steps // _LOOKS),
        log_every=max(1, steps // _POINTS),
        patience=recipe.early_stopping_patience,
    )


def _speech(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase | None:
    """Return the tokenizer to go with the adapter, where the base's speaks otherwise."""
    if own_template(tokenizer) is None:
        use_template(tokenizer, "plain")
    elif recipe.chat_template == "own":
        return None
    return tokenizer


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "transformers", "peft")}
