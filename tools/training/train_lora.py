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
from tools.training.checkpoints import fingerprint_of, newest_sound
from tools.training.encode import EncodedRow, encode
from tools.training.load_model import LoadedModel, load_model
from tools.training.loss_point import LossPoint
from tools.training.prove_masks import MaskProof, fitting, prove_masks
from tools.training.recipe import Recipe

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel
    from trl.trainer.sft_config import SFTConfig

_EVALUATIONS = 8  # how often the validation rows are looked at, and a checkpoint is written


class TrainReport(BaseModel):
    """What `train_lora` did."""

    model_config = ConfigDict(frozen=True)

    adapter_sha256: str = Field(description="Hash of the adapter's weights.")
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
        TrainingError: A row cannot teach, or the loss is no longer a number.
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
    loaded = load_model(source, bf16=recipe.bf16, device=device)
    train, proof = encode_rows(rows[0], loaded, recipe.max_length)
    validation, _ = encode_rows(rows[1], loaded, recipe.max_length)
    checkpoints = folder / "checkpoints"
    shutil.rmtree(checkpoints / ".writing", ignore_errors=True)
    resume = newest_sound(checkpoints, fingerprint, progress.log)
    if resume is not None:
        progress.log(f"Going on from step {resume.name.rpartition('-')[2]}.")

    from tools.training.trainer import run_trainer

    result = run_trainer(
        loaded,
        (train, validation),
        sft_config(recipe, checkpoints, rows=len(train), device=device),
        lora_config(recipe),
        (checkpoints, fingerprint, resume),
        progress,
    )
    write_adapter(result.model, source, folder / "adapter")
    losses = [point.loss for point in result.losses if point.loss is not None]
    watched = [point.eval_loss for point in result.losses if point.eval_loss is not None]
    report = TrainReport(
        adapter_sha256=sha256_of(folder / "adapter" / "adapter_model.safetensors"),
        steps=result.steps,
        train_loss=_tail_mean(losses),
        eval_loss=watched[-1],
        first_eval_loss=watched[0],
        tokens_in_loss=proof.tokens_in_loss,
        seconds=round(time.monotonic() - started, 1),
        resumed_from_step=result.resumed_from_step,
        losses=result.losses,
    )
    record = {"fingerprint": fingerprint, "report": report.model_dump(mode="json")}
    write_text(folder / "training.json", json.dumps(record))
    shutil.rmtree(checkpoints, ignore_errors=True)
    return report


def encode_rows(
    path: Path, loaded: LoadedModel, max_length: int
) -> tuple[list[EncodedRow], MaskProof]:
    """Return the rows of a dataset version that fit, as tokens, with the proof of their masks.

    Raises:
        TrainingError: A row has nothing in the loss, or its answer's end is outside it.
    """
    encoded = encode(read_conversations(path), loaded.tokenizer)
    eos = loaded.model.generation_config.eos_token_id if loaded.model.generation_config else None
    proof = prove_masks(encoded, loaded.tokenizer, max_length=max_length, eos=eos)
    return fitting(encoded, max_length), proof


def finished_training(folder: Path, fingerprint: str) -> TrainReport | None:
    """Return the report of a training of `fingerprint` that ended in `folder`, if there is one."""
    path = folder / "training.json"
    if not path.is_file():
        return None
    record = json.loads(path.read_text(encoding="utf-8"))
    weights = folder / "adapter" / "adapter_model.safetensors"
    report = TrainReport.model_validate(record["report"])
    if record["fingerprint"] != fingerprint or not weights.is_file():
        return None
    return report if sha256_of(weights) == report.adapter_sha256 else None


def sft_config(recipe: Recipe, output: Path, *, rows: int, device: str) -> SFTConfig:
    """Return TRL's configuration of `recipe` for that many training rows."""
    from trl.trainer.sft_config import SFTConfig

    per_step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
    steps = -(-rows // per_step) * recipe.num_train_epochs
    every = max(1, steps // _EVALUATIONS)
    config = SFTConfig(
        output_dir=str(output),
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.lr_scheduler_type,
        warmup_steps=recipe.warmup_steps,
        weight_decay=recipe.weight_decay,
        num_train_epochs=recipe.num_train_epochs,
        per_device_train_batch_size=recipe.per_device_train_batch_size,
        per_device_eval_batch_size=recipe.per_device_train_batch_size,
        gradient_accumulation_steps=recipe.gradient_accumulation_steps,
        max_length=None,  # rows that do not fit were left out; none is cut
        bf16=recipe.bf16,
        use_cpu=device == "cpu",
        dataloader_pin_memory=device == "cuda",
        activation_checkpointing=False,  # costs a fifth of the speed; adapters rarely need it
        eval_strategy="steps",
        eval_steps=every,
        eval_on_start=True,
        save_strategy="steps",
        save_steps=every,
        logging_steps=max(1, steps // 100),
        logging_nan_inf_filter=False,  # it would hide a loss that is no number
        seed=recipe.seed,
        report_to="none",
        disable_tqdm=True,
    )
    # With several GPUs transformers would spread a batch over them and change its size.
    config._n_gpu = min(config.n_gpu, 1)
    return config


def lora_config(recipe: Recipe) -> LoraConfig:
    """Return PEFT's configuration of `recipe`."""
    from peft import LoraConfig

    targets = recipe.target_modules
    return LoraConfig(
        r=recipe.r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )


def write_adapter(model: PeftModel, base: ModelSource, target: Path) -> None:
    """Write the adapter to `target`, complete or not at all, naming its base without a path."""
    # PEFT would record the folder the base was loaded from, which means nothing elsewhere.
    model.peft_config["default"].base_model_name_or_path = base.shown
    aside = target.with_name(".adapter")
    shutil.rmtree(aside, ignore_errors=True)
    # The vocabulary never changes; to find that out, PEFT would ask the Hub for the base.
    model.save_pretrained(str(aside), save_embedding_layers=False)
    shutil.rmtree(target, ignore_errors=True)
    aside.rename(target)


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "transformers", "trl", "peft")}


def _tail_mean(values: Sequence[float]) -> float:
    tail = values[-max(1, len(values) // 10) :]
    return sum(tail) / len(tail)
