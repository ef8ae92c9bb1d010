"""Say a recipe in the words of the libraries that train: TRL's and PEFT's configurations.

Not covered: deciding its values (`recommend`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.training.recipe import Recipe

if TYPE_CHECKING:
    from peft import LoraConfig
    from trl.trainer.sft_config import SFTConfig

_EVALUATIONS = 8  # how often the validation rows are looked at, and a checkpoint is written


def sft_config(recipe: Recipe, output: Path, *, rows: int, device: str) -> SFTConfig:
    """Return TRL's configuration of `recipe` for that many training rows."""
    from trl.trainer.sft_config import SFTConfig

    config = SFTConfig(
        **_learning(recipe),
        **_looking_up(recipe, rows),
        output_dir=str(output),
        max_length=None,  # rows that do not fit were left out; none is cut
        bf16=recipe.bf16,
        use_cpu=device == "cpu",
        dataloader_pin_memory=device == "cuda",
        activation_checkpointing=False,  # costs a fifth of the speed; adapters rarely need it
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


def _learning(recipe: Recipe) -> dict[str, Any]:
    return {
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": recipe.lr_scheduler_type,
        "warmup_steps": recipe.warmup_steps,
        "weight_decay": recipe.weight_decay,
        "num_train_epochs": recipe.num_train_epochs,
        "per_device_train_batch_size": recipe.per_device_train_batch_size,
        "per_device_eval_batch_size": recipe.per_device_train_batch_size,
        "gradient_accumulation_steps": recipe.gradient_accumulation_steps,
    }


def _looking_up(recipe: Recipe, rows: int) -> dict[str, Any]:
    """Return when the trainer looks up from its work to log, evaluate and save."""
    per_step = recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps
    steps = -(-rows // per_step) * recipe.num_train_epochs
    every = max(1, steps // _EVALUATIONS)
    return {
        "eval_strategy": "steps",
        "eval_steps": every,
        "eval_on_start": True,
        "save_strategy": "steps",
        "save_steps": every,
        "logging_steps": max(1, steps // 100),
        "logging_nan_inf_filter": False,  # it would hide a loss that is no number
        "include_num_input_tokens_seen": "non_padding",  # for the tokens per second
    }
