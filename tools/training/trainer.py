"""TRL's trainer with sealed checkpoints, our progress, and a way to stop.

Apart from `train_lora` because importing it loads TRL, which takes seconds.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer
from typing_extensions import override

from tools.errors import DiskError, TrainingError
from tools.progress import Cancelled, Progress
from tools.training.by_length import ByLength
from tools.training.checkpoints import Checkpoints, rotate, seal
from tools.training.encode import EncodedRow
from tools.training.guard_writing import guard_writing
from tools.training.load_model import LoadedModel
from tools.training.loss_point import LossPoint
from tools.training.out_of_memory import memory_told
from tools.training.weigh_tokens import WeighingCollator, columns_of, weighted_loss

_WHOLE_LOGITS_BYTES = 256 * 2**20
_KEPT = 2  # checkpoints; the one before the last is there for when the last is damaged
_TOO_LARGE = (
    "The memory is too small for this training. Make per_device_train_batch_size or max_length of "
    "its recipe smaller, or choose a smaller model."
)


@dataclass(frozen=True)
class Trained:
    """The trained model and what happened on the way."""

    model: PeftModel
    steps: int
    losses: tuple[LossPoint, ...]
    resumed_from_step: int | None


def run_trainer(
    loaded: LoadedModel,
    rows: tuple[Sequence[EncodedRow], Sequence[EncodedRow]],
    *,
    config: SFTConfig,
    lora: LoraConfig,
    checkpoints: Checkpoints,
    progress: Progress,
) -> Trained:
    """Train on `rows` (training, validation).

    Args:
        loaded: The base model and its tokenizer.
        rows: Encoded rows to train on, and to watch the loss on.
        config: TRL's configuration.
        lora: PEFT's configuration.
        checkpoints: Where they are written, and the one to resume from.
        progress: Is told the losses; may ask to stop.

    Raises:
        TrainingError: The loss is no longer a finite number, the memory is too small, or a
            checkpoint cannot be written.
        Cancelled: It was asked to stop; a checkpoint has been written.
    """
    resume = checkpoints.resume
    checkpoints.folder.mkdir(parents=True, exist_ok=True)
    watcher = _Watcher(progress)
    weighed = any(row.weights for part in rows for row in part)
    config.eval_on_start = resume is None  # a resumed run has that point already
    with memory_told(TrainingError(_TOO_LARGE)):
        trainer = _SealingTrainer(
            model=loaded.model,
            args=config,
            train_dataset=Dataset.from_dict(columns_of(rows[0], weighed=weighed)),
            eval_dataset=Dataset.from_dict(columns_of(rows[1], weighed=weighed)),
            processing_class=loaded.tokenizer,
            peft_config=lora,
            callbacks=[watcher],
        )
        trainer.checkpoints = checkpoints
        if weighed:
            trainer.data_collator = WeighingCollator(trainer.data_collator)
        trainer.whole_logits = _logits_bytes(loaded, rows, config) <= _WHOLE_LOGITS_BYTES
        _silence(trainer)
        trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    if watcher.stopped is not None:
        raise watcher.stopped
    if not isinstance(trainer.model, PeftModel):
        raise TrainingError("The trainer has lost the adapter. Start the run again.")
    return Trained(
        model=trainer.model,
        steps=trainer.state.global_step,
        losses=_losses(trainer.state.log_history),
        resumed_from_step=int(resume.name.rpartition("-")[2]) if resume else None,
    )


class _SealingTrainer(SFTTrainer):
    """Writes each checkpoint aside and moves it into place when it is whole."""

    checkpoints: Checkpoints
    whole_logits: bool = False

    @override
    def _get_train_sampler(self, train_dataset: Any = None) -> ByLength:
        rows: Any = train_dataset if train_dataset is not None else self.train_dataset
        lengths = [len(ids) for ids in rows["input_ids"]]
        per_step = self.args.train_batch_size * self.args.gradient_accumulation_steps
        return ByLength(lengths, per_step, self.args.seed, lambda: self.state.epoch or 0.0)

    @override
    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Return the same loss as TRL's, without its per-step extras where memory allows.

        TRL takes the loss in chunks, which saves memory, and measures entropy and accuracy on the
        way; on a small model that is half of a step.
        """
        if "weights" in inputs:
            return weighted_loss(model, inputs, return_outputs, num_items_in_batch)
        take = Trainer.compute_loss if self.whole_logits else SFTTrainer.compute_loss
        return take(self, model, inputs, return_outputs, num_items_in_batch)

    @override
    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()  # type: ignore[no-untyped-call]
        known: Any = self._signature_columns
        if "weights" not in known:
            known.append("weights")

    @override
    def _get_num_items_in_batch(self, batch_samples: list[Any], device: Any) -> Any:
        if not batch_samples or "weights" not in batch_samples[0]:
            return super()._get_num_items_in_batch(batch_samples, device)
        return sum(batch["weights"][:, 1:].sum() for batch in batch_samples).to(device)

    @override
    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        step = self.state.global_step
        refusal = (
            f"The checkpoint at step {step} cannot be written; the one before it is intact. Free "
            "some space on the disk, then go on with the run."
        )
        with guard_writing(DiskError(refusal)):
            self._write_and_seal(model, trial)

    def _write_and_seal(self, model: Any, trial: Any) -> None:
        folder = self.checkpoints.folder
        aside = folder / ".writing"
        own, self.args.output_dir = self.args.output_dir, str(aside)
        try:
            super()._save_checkpoint(model, trial)  # type: ignore[no-untyped-call]
        finally:
            self.args.output_dir = own
        name, step = f"checkpoint-{self.state.global_step}", self.state.global_step
        # A pickle of the arguments: nothing here reads it, and it holds paths of this machine.
        (aside / name / "training_args.bin").unlink(missing_ok=True)
        fingerprint = self.checkpoints.fingerprint
        seal(aside / name, folder / name, step=step, fingerprint=fingerprint)
        rotate(folder, keep=_KEPT)


class _Watcher(TrainerCallback):
    """Passes on what the trainer says, and stops it when asked."""

    def __init__(self, progress: Progress) -> None:
        self.stopped: Cancelled | None = None
        self._progress = progress
        self._started = (0.0, 0)  # when, and at which step, this process began
        self._speed = _Speed()

    @override
    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._started = (time.monotonic(), state.global_step)
        self._speed.tokens = state.num_input_tokens_seen

    @override
    def on_step_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._speed.begin_step()

    @override
    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._speed.end_step()
        since, first = self._started
        per_step = (time.monotonic() - since) / max(1, state.global_step - first)
        self._progress.percent(
            100 * state.global_step / max(1, state.max_steps),
            per_step * (state.max_steps - state.global_step),
        )
        try:
            self._progress.check()
        except Cancelled as stop:
            self.stopped = stop
            control.should_save = True
            control.should_training_stop = True

    @override
    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        for name in ("loss", "eval_loss", "learning_rate", "grad_norm"):
            value = (logs or {}).get(name)
            if value is None:
                continue
            if name.endswith("loss") and not math.isfinite(value):
                raise TrainingError(_no_number(name, value, state.global_step))
            self._progress.metric(name, float(value), state.global_step)
        if "loss" in (logs or {}):
            speed = self._speed.since_last(state.num_input_tokens_seen)
            self._progress.metric("tokens_per_second", speed, state.global_step)


class _Speed:
    """Measures the training steps alone, without the evaluations and checkpoints between them."""

    def __init__(self) -> None:
        self.tokens = 0
        self._began = self._seconds = 0.0

    def begin_step(self) -> None:
        self._began = time.monotonic()

    def end_step(self) -> None:
        self._seconds += time.monotonic() - self._began

    def since_last(self, tokens: int) -> float:
        """Return the tokens per second, padding not counted, since it was last asked."""
        speed = (tokens - self.tokens) / max(self._seconds, 1e-9)
        self.tokens, self._seconds = tokens, 0.0
        return speed


def _no_number(name: str, value: float, step: int) -> str:
    if step == 0:
        return f"The {name} is {value} before the first step: the base model's weights are damaged."
    return (
        f"The {name} is {value} at step {step}. Lower the learning rate (a tenth is a good first "
        "try) or look at the rows for broken text."
    )


def _logits_bytes(
    loaded: LoadedModel, rows: tuple[Sequence[EncodedRow], Sequence[EncodedRow]], config: SFTConfig
) -> int:
    """Return the size of one batch's logits in float32, at the longest row."""
    longest = max(len(row.input_ids) for part in rows for row in part)
    vocabulary = int(loaded.model.config.get_text_config().vocab_size)
    return int(config.per_device_train_batch_size) * longest * vocabulary * 4


def _silence(trainer: SFTTrainer) -> None:
    """Take out the callback that prints every log line: `progress` is told instead."""
    from transformers.trainer_callback import PrinterCallback

    trainer.remove_callback(PrinterCallback)


def _losses(history: Sequence[dict[str, float]]) -> tuple[LossPoint, ...]:
    return tuple(
        LossPoint(step=int(entry["step"]), loss=entry.get("loss"), eval_loss=entry.get("eval_loss"))
        for entry in history
        if "loss" in entry or "eval_loss" in entry
    )
