"""How AutoTrain's recipes are read: YAML with the blocks `data`, `params` and `hub`.

Not covered: tasks other than language models, and whole texts (`trainer: default`).
"""

import re
from collections.abc import Mapping

from tools.training.chat_templates import TemplateName
from tools.training.foreign_recipes.draft import Draft, ForeignTool, shown
from tools.training.foreign_recipes.reasons import (
    FAST,
    FULL,
    HALF,
    LOSSES_TOLD,
    ONE_DEVICE,
    OWN_LOOKS,
    PADDING,
    PUBLISHED,
    QUANTISED,
    STUDIO_SPLIT,
    TRACKED,
)
from tools.training.foreign_recipes.turns import (
    WarmupNames,
    leave_long_rows_out,
    take_epochs,
    take_method,
    take_model,
    take_optimizer,
    take_scheduler,
    take_targets,
    take_template,
    take_warmup,
)

_BLOCK, _MODEL_LENGTH = 1024, 2048  # tokens, where the file says nothing
_BLOCKS = ("data", "params", "hub")
_TASK = re.compile(r"(?:llm|lm_training|llm_training|llm_finetuning)(?:[-:](\w+))?")
_COLUMNS = "Columns and turns are named when the dataset is brought in."
_TEMPLATES: dict[str, TemplateName] = {
    "chatml": "chatml",
    "none": "own",
    "tokenizer": "own",
    "zephyr": "zephyr",
}


def _spread(content: Mapping[str, object]) -> dict[str, object]:
    """Return the names, with those of the blocks joined to them: `params.lr`."""
    joined: dict[str, object] = {}
    for key, value in content.items():
        if key in _BLOCKS and isinstance(value, Mapping):
            joined |= {
                f"{key}.{shown(name)}": one for name, one in value.items() if one is not None
            }
        else:
            joined[key] = value
    return joined


def _method(draft: Draft) -> None:
    for block in _BLOCKS:
        if block in draft.content:
            draft.refuse(block, "names and values are wanted below it.")
    task = _TASK.fullmatch(draft.word("task"))
    if task is None:
        draft.refuse("task", "of AutoTrain's tasks, llm alone is there.")
        return
    key = "task" if task[1] else "params.trainer"
    name = task[1] or draft.word("params.trainer", "default")
    whole = "The answers alone are learned; AutoTrain learns the questions, too."
    take_method(draft, key, name, whole if name == "sft" else None)
    if key == "task":
        draft.leave("params.trainer", "The task names it.")
    else:
        draft.keep("task")


def _adapter(draft: Draft) -> None:
    if not draft.on("params.peft"):
        draft.refuse("params.peft", f"without it, this is a full fine-tune. {FULL}")
    draft.keep("params.peft")


def _model(draft: Draft) -> None:
    take_model(draft, "base_model", "params.revision")


def _warmup(draft: Draft) -> None:
    names = ("params.warmup_ratio", "params.warmup_steps", "params.scheduler", "params.max_steps")
    take_warmup(draft, WarmupNames(*names))


def _length(draft: Draft) -> None:
    """A block is what a step sees of a text. It is no longer than what the model may read."""
    block = draft.number("params.block_size") or 0
    most = draft.number("params.model_max_length") or _MODEL_LENGTH
    wanted = block if block > 0 else _BLOCK
    length = min(wanted, most)
    draft.fields["max_length"] = length
    if most < wanted:
        draft.take("params.model_max_length", "max_length", length)
        draft.change("params.block_size", f"AutoTrain's rows end at {most:g}, model_max_length.")
    elif block > 0:
        draft.take("params.block_size", "max_length", length)
        draft.leave("params.model_max_length", "block_size is the length of a row.")
    else:
        draft.assumed["max_length"] = f"{length:g}: AutoTrain's rows without block_size."
        draft.keep("params.block_size")
        draft.leave("params.model_max_length", f"Without block_size, rows end at {_BLOCK}.")


def _beta(draft: Draft, key: str) -> None:
    if draft.fields.get("method") == "dpo":
        draft.take(key, "beta", draft.content[key])
    else:
        draft.leave(key, "dpo alone reads it.")


def _dataset(draft: Draft, key: str) -> None:
    value = draft.content[key]
    if not isinstance(value, str):
        draft.refuse(key, "the name of a dataset is wanted.")
        return
    draft.dataset = value
    draft.understood[key] = "dataset"


def _precision(draft: Draft, key: str) -> None:
    name = draft.word(key, "none")
    if name == "fp16":
        draft.take(key, "bf16", False, HALF)
    elif name in ("bf16", "none"):
        draft.take(key, "bf16", name == "bf16")
    else:
        draft.refuse(key, "fp16, bf16 or null is wanted.")


AUTOTRAIN = ForeignTool(
    title="AutoTrain",
    spread=_spread,
    first=(_method, _adapter, _model, _warmup, _length, leave_long_rows_out),
    read=(
        "task",
        "base_model",
        "params.trainer",
        "params.peft",
        "params.revision",
        "params.warmup_ratio",
        "params.warmup_steps",
        "params.block_size",
        "params.model_max_length",
    ),
    same={
        "params.lora_r": "r",
        "params.lora_alpha": "lora_alpha",
        "params.lora_dropout": "lora_dropout",
        "params.lr": "learning_rate",
        "params.weight_decay": "weight_decay",
        "params.batch_size": "per_device_train_batch_size",
        "params.gradient_accumulation": "gradient_accumulation_steps",
        "params.max_grad_norm": "max_grad_norm",
        "params.seed": "seed",
    },
    turned={
        "params.target_modules": take_targets,
        "params.scheduler": take_scheduler,
        "params.epochs": take_epochs,
        "params.optimizer": take_optimizer,
        "params.dpo_beta": _beta,
        "params.mixed_precision": _precision,
        "params.chat_template": take_template(_TEMPLATES),
        "data.chat_template": take_template(_TEMPLATES),
        "data.path": _dataset,
    },
    changed={
        "params.quantization": QUANTISED,
        "params.model_ref": "The base model without its adapter is the reference.",
        "params.max_steps": "The run ends after epochs, not at a step.",
        "params.auto_find_batch_size": "The batch has the size that is named; a step that does "
        "not fit the memory is taken in parts.",
    },
    ignored={
        "project_name": "The studio names a run.",
        "backend": "The studio trains on this machine.",
        "log": TRACKED,
        "data.column_mapping": _COLUMNS,
        "data.train_split": _COLUMNS,
        "data.valid_split": STUDIO_SPLIT,
        "params.padding": PADDING,
        "params.add_eos_token": "The end of each answer is learned.",
        "params.merge_adapter": "A model is merged in the studio.",
        "params.max_prompt_length": "max_length counts question and answer.",
        "params.max_completion_length": "max_length counts question and answer.",
        "params.disable_gradient_checkpointing": FAST,
        "params.use_flash_attention_2": FAST,
        "params.attn_implementation": FAST,
        "params.unsloth": FAST,
        "params.distributed_backend": ONE_DEVICE,
        "params.logging_steps": LOSSES_TOLD,
    },
    families={
        "hub.": PUBLISHED,
        "params.save_": OWN_LOOKS,
        "params.eval": OWN_LOOKS,
        "params.push_to_hub": PUBLISHED,
        "params.username": PUBLISHED,
        "params.token": PUBLISHED,
        "params.repo_id": PUBLISHED,
        "data.": _COLUMNS,
    },
    defaults={
        "r": 16,
        "lora_alpha": 32,
        "lora_dropout": 0.05,
        "target_modules": "all-linear",
        "learning_rate": 3e-5,
        "lr_scheduler_type": "linear",
        "warmup_steps": 0.1,
        "weight_decay": 0.0,
        "num_train_epochs": 1,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 4,
        "max_grad_norm": 1.0,
        "beta": 0.1,
        "seed": 42,
    },
)
