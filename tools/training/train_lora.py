"""Fine-tune a LoRA adapter on the answers of a dataset, with TRL and PEFT.

The main path: load, encode, prove the masks, resume from the newest sound checkpoint if there is
one, train with evaluation on the way, write the adapter. Asked to stop, it writes a checkpoint
first; called again with the same recipe and data it goes on from there and ends with the same
weights as an uninterrupted run.

Not covered: several GPUs, quantised bases, preference training.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import read_conversations
from tools.errors import RecipeError
from tools.files import sha256_of, write_text
from tools.hub.resolve_model import ModelSource, model_hash
from tools.progress import NoProgress, Progress
from tools.training.chat_templates import own_template, use_template
from tools.training.check_adapter import ADAPTER_WEIGHTS
from tools.training.checkpoints import MANIFEST, Checkpoints, fingerprint_of, newest_sound
from tools.training.encode import EncodedRow, encode
from tools.training.fit_rows import fit_rows
from tools.training.load_model import LoadedModel, load_model
from tools.training.loss_point import LossPoint
from tools.training.prove_masks import MaskProof, prove_masks
from tools.training.recipe import Recipe
from tools.training.translate_recipe import lora_config, sft_config
from tools.training.write_adapter import write_adapter

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from tools.training.trainer import Trained

_RECORD, _CHECKPOINTS = "training.json", "checkpoints"


class TrainReport(BaseModel):
    """What `train_lora` did."""

    model_config = ConfigDict(frozen=True)

    adapter_sha256: str = Field(description="Hash of the adapter's weights.")
    learning_rate: float = Field(description="As the recipe it was trained with has it.")
    train_rows: int = Field(description="Rows it was trained on.")
    train_rows_too_long: int = Field(description="Training rows left out for their length.")
    steps: int
    train_loss: float = Field(description="Mean of the last tenth of the logged losses.")
    eval_loss: float = Field(description="On the validation rows, when last measured.")
    first_eval_loss: float = Field(description="On the validation rows, before the first step.")
    tokens_in_loss: int = Field(description="Tokens of one epoch that are in the loss.")
    seconds: float
    resumed_from_step: int | None
    losses: tuple[LossPoint, ...]


def train_lora(
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
        TrainingError: A row cannot teach, the loss is no longer a number, the memory is too small,
            or the disk is full, which is a `DiskError`.
        Cancelled: It was asked to stop; a checkpoint has been written.
    """
    progress = progress or NoProgress()
    if recipe.model_name_or_path not in (source.name, source.shown):
        raise RecipeError(
            f"The recipe is for {recipe.model_name_or_path!r}, and the model is {source.shown!r}."
        )
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
    train, proof = encode_rows(rows[0], loaded, recipe)
    validation, watched = encode_rows(rows[1], loaded, recipe)
    checkpoints = _go_on_from(folder / _CHECKPOINTS, fingerprint, progress)
    _announce(recipe, source, (proof, watched), progress)

    from tools.training.trainer import run_trainer

    result = run_trainer(
        loaded,
        (train, validation),
        config=sft_config(recipe, checkpoints.folder, rows=len(train), device=device),
        lora=lora_config(recipe),
        checkpoints=checkpoints,
        progress=progress,
    )
    write_adapter(
        result.model, source, folder / "adapter", speech=_speech(recipe, loaded.tokenizer)
    )
    report = _report(
        recipe,
        result,
        proof=proof,
        adapter=folder / "adapter",
        seconds=round(time.monotonic() - started, 1),
    )
    record = {"fingerprint": fingerprint, "report": report.model_dump(mode="json")}
    write_text(folder / _RECORD, json.dumps(record))
    shutil.rmtree(checkpoints.folder, ignore_errors=True)
    return report


def encode_rows(
    path: Path, loaded: LoadedModel, recipe: Recipe
) -> tuple[list[EncodedRow], MaskProof]:
    """Return the rows of a dataset version that fit, as tokens, with the proof of their masks.

    Raises:
        DatasetError: A row has no answer that may be learned.
        TrainingError: A row would not teach its answer and its end.
    """
    encoded = encode(read_conversations(path), loaded.tokenizer, thoughts=recipe.thoughts)
    eos = loaded.model.generation_config.eos_token_id if loaded.model.generation_config else None
    proof = prove_masks(
        encoded,
        loaded.tokenizer,
        max_length=recipe.max_length,
        eos=eos,
        long_rows=recipe.long_rows,
    )
    return fit_rows(encoded, recipe.max_length, recipe.long_rows), proof


def has_results(folder: Path) -> bool:
    """Return whether a training in `folder` came to a checkpoint, whatever its recipe."""
    sealed = (folder / _CHECKPOINTS).glob(f"checkpoint-*/{MANIFEST}")
    return (folder / _RECORD).is_file() or any(sealed)


def finished_training(folder: Path, fingerprint: str) -> TrainReport | None:
    """Return the report of a training of `fingerprint` that ended in `folder`, if there is one."""
    weights = folder / "adapter" / ADAPTER_WEIGHTS
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        report = TrainReport.model_validate(record["report"])
    # There is none, or it is of a version that reported other things.
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if record["fingerprint"] != fingerprint or not weights.is_file():
        return None
    return report if sha256_of(weights) == report.adapter_sha256 else None


def _speech(recipe: Recipe, tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase | None:
    """Return the tokenizer to go with the adapter, where the base's speaks otherwise."""
    if own_template(tokenizer) is None:
        use_template(tokenizer, "plain")
    elif recipe.chat_template == "own":
        return None
    return tokenizer


def _go_on_from(folder: Path, fingerprint: str, progress: Progress) -> Checkpoints:
    """Return the checkpoints in `folder`, without those that nothing can be begun from."""
    shutil.rmtree(folder / ".writing", ignore_errors=True)
    resume = newest_sound(folder, fingerprint, progress.log)
    if resume is None:
        # Of another recipe, perhaps with higher steps, which would be taken for the newer ones.
        shutil.rmtree(folder, ignore_errors=True)
    else:
        progress.log(f"Going on from step {resume.name.rpartition('-')[2]}.")
    return Checkpoints(folder, fingerprint, resume)


def _announce(
    recipe: Recipe, source: ModelSource, proofs: tuple[MaskProof, MaskProof], progress: Progress
) -> None:
    """Say what is trained on, and which rows are not."""
    progress.log(
        f"Training {source.shown} on {proofs[0].rows} rows for {recipe.num_train_epochs} epochs."
    )
    for proof, use in zip(proofs, ("train on", "watch the loss on"), strict=True):
        if proof.rows_too_long:
            progress.log(
                f"Longer than {recipe.max_length} tokens, and left out: {proof.rows_too_long} of "
                f"{proof.rows_too_long + proof.rows} rows to {use}. The first is row "
                f"{proof.first_too_long[0]}."
            )
        if proof.rows_cut:
            progress.log(
                f"Cut to {recipe.max_length} tokens: {proof.rows_cut} of {proof.rows} rows to "
                f"{use}, {proof.rows_cut_in_answer} of them within an answer."
            )
        if proof.answers_rewritten:
            progress.log(
                f"The chat template rewrites {proof.answers_rewritten} earlier answers of the rows "
                f"to {use}; they are not learned."
            )


def _report(
    recipe: Recipe,
    result: Trained,
    *,
    proof: MaskProof,
    adapter: Path,
    seconds: float,
) -> TrainReport:
    losses = [point.loss for point in result.losses if point.loss is not None]
    watched = [point.eval_loss for point in result.losses if point.eval_loss is not None]
    return TrainReport(
        adapter_sha256=sha256_of(adapter / ADAPTER_WEIGHTS),
        learning_rate=recipe.learning_rate,
        train_rows=proof.rows,
        train_rows_too_long=proof.rows_too_long,
        steps=result.steps,
        train_loss=_tail_mean(losses),
        eval_loss=watched[-1],
        first_eval_loss=watched[0],
        tokens_in_loss=proof.tokens_in_loss,
        seconds=seconds,
        resumed_from_step=result.resumed_from_step,
        losses=result.losses,
    )


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "transformers", "trl", "peft")}


def _tail_mean(values: Sequence[float]) -> float:
    tail = values[-max(1, len(values) // 10) :]
    return sum(tail) / len(tail)
