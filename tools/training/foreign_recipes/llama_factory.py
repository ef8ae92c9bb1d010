"""How LLaMA-Factory's recipes are read: flat YAML, with the names of transformers' arguments.

Not covered: files for inference, merging and evaluation, which name nothing to train.
"""

from tools.training.chat_templates import TemplateName
from tools.training.foreign_recipes.draft import Draft, ForeignTool, shown
from tools.training.foreign_recipes.llama_factory_names import CHANGED, FAMILIES, IGNORED
from tools.training.foreign_recipes.reasons import FULL
from tools.training.foreign_recipes.turns import (
    WarmupNames,
    leave_long_rows_out,
    take_epochs,
    take_half,
    take_method,
    take_model,
    take_optimizer,
    take_packing,
    take_patience,
    take_scheduler,
    take_targets,
    take_template,
    take_warmup,
)

_TEMPLATES: dict[str, TemplateName] = {
    "alpaca": "alpaca",
    "chatml": "chatml",
    "gemma": "gemma",
    "gemma2": "gemma",
    "llama2": "llama2",
    "llama3": "llama3",
    "mistral": "mistral",
    "phi": "phi3",
    "phi4": "phi4",
    "qwen": "qwen",
    "zephyr": "zephyr",
}
_LOSSES = {"sigmoid": "dpo", "orpo": "orpo", "simpo": "simpo"}


def _method(draft: Draft) -> None:
    stage = draft.word("stage", "sft")
    if stage != "dpo":
        take_method(draft, "stage", stage)
        draft.leave("pref_loss", "It is read with stage: dpo alone.")
        return
    loss = draft.word("pref_loss", "sigmoid")
    name = _LOSSES.get(loss, f"dpo with {shown(loss)}")
    take_method(draft, "stage", name)
    draft.take("pref_loss", "method", name)


def _adapter(draft: Draft) -> None:
    kind = draft.word("finetuning_type", "lora")
    if kind != "lora":
        draft.refuse("finetuning_type", f"there is no {shown(kind)}. {FULL}")
    draft.keep("finetuning_type")
    if draft.content.get("do_train") is False:
        draft.refuse("do_train", "the file asks for no training.")
    draft.keep("do_train")
    if not draft.on("lora_alpha"):
        rank = draft.number("lora_rank") or 8
        draft.fields["lora_alpha"] = round(2 * rank)
        draft.assumed["lora_alpha"] = f"{2 * rank:g}: LLaMA-Factory takes twice the rank."
        draft.keep("lora_alpha")


def _model(draft: Draft) -> None:
    take_model(draft, "model_name_or_path", "model_revision")


def _warmup(draft: Draft) -> None:
    take_warmup(draft, WarmupNames())


def _dataset(draft: Draft, key: str) -> None:
    value = draft.content[key]
    parts = value if isinstance(value, list) else str(value).split(",")
    names = [str(part).strip() for part in parts if str(part).strip()]
    draft.dataset = names[0] if names else None
    if len(names) > 1:
        draft.change(key, f"Of {len(names)} datasets the first is named; bring them in as one.")
    else:
        draft.understood[key] = "dataset"


LLAMA_FACTORY = ForeignTool(
    title="LLaMA-Factory",
    spread=dict,
    first=(_method, _adapter, _model, _warmup, leave_long_rows_out),
    read=(
        "stage",
        "pref_loss",
        "finetuning_type",
        "do_train",
        "model_name_or_path",
        "model_revision",
        "warmup_ratio",
        "warmup_steps",
    ),
    same={
        "lora_rank": "r",
        "lora_alpha": "lora_alpha",
        "lora_dropout": "lora_dropout",
        "pref_beta": "beta",
        "simpo_gamma": "simpo_gamma",
        "learning_rate": "learning_rate",
        "weight_decay": "weight_decay",
        "per_device_train_batch_size": "per_device_train_batch_size",
        "gradient_accumulation_steps": "gradient_accumulation_steps",
        "cutoff_len": "max_length",
        "max_grad_norm": "max_grad_norm",
        "seed": "seed",
        "bf16": "bf16",
        "pure_bf16": "bf16",
    },
    turned={
        "lora_target": take_targets,
        "lr_scheduler_type": take_scheduler,
        "num_train_epochs": take_epochs,
        "optim": take_optimizer,
        "template": take_template(_TEMPLATES),
        "dataset": _dataset,
        "fp16": take_half,
        "packing": take_packing,
        "neat_packing": take_packing,
        "early_stopping_steps": take_patience,
    },
    changed=CHANGED,
    ignored=IGNORED,
    families=FAMILIES,
    defaults={
        "r": 8,
        "lora_dropout": 0.0,
        "target_modules": "all-linear",
        "learning_rate": 5e-5,
        "lr_scheduler_type": "linear",
        "warmup_steps": 0.0,
        "weight_decay": 0.0,
        "num_train_epochs": 3,
        "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 1,
        "max_length": 2048,
        "max_grad_norm": 1.0,
        "beta": 0.1,
        "simpo_gamma": 0.5,
        "seed": 42,
    },
)
