"""How Axolotl's recipes are read: flat YAML, with a list of datasets that say how they are read.

Not covered: reward models, continued pretraining, pictures and sounds.
"""

from collections.abc import Mapping

from tools.training.chat_templates import TemplateName
from tools.training.foreign_recipes.axolotl_names import CHANGED, FAMILIES, IGNORED
from tools.training.foreign_recipes.draft import Draft, ForeignTool, shown
from tools.training.foreign_recipes.reasons import ANSWERS, FULL, METHODS, QUANTISED
from tools.training.foreign_recipes.turns import (
    WarmupNames,
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
    "llama3": "llama3",
    "phi_3": "phi3",
    "phi_35": "phi3",
    "phi_4": "phi4",
    "qwen_25": "qwen",
    "tokenizer_default": "own",
}


def _spread(content: Mapping[str, object]) -> dict[str, object]:
    """Return the names, with those of the first dataset joined to it: `datasets.path`."""
    joined = {key: value for key, value in content.items() if key != "datasets"}
    sets = content.get("datasets")
    if sets is None:
        return joined
    first = sets[0] if isinstance(sets, list) and sets else sets
    if not isinstance(first, Mapping):
        return joined | {"datasets": sets}
    if isinstance(sets, list) and len(sets) > 1:
        joined["datasets"] = sets
    named = {f"datasets.{shown(key)}": value for key, value in first.items() if value is not None}
    return joined | named


def _method(draft: Draft) -> None:
    take_method(draft, "rl", draft.word("rl", "sft"))
    for key in ("pretraining_dataset", "reward_model", "process_reward_model"):
        if draft.on(key):
            draft.refuse(key, METHODS)


def _adapter(draft: Draft) -> None:
    kind = draft.word("adapter", "none")
    if kind not in ("lora", "qlora"):
        said = "full fine-tuning" if kind == "none" else shown(kind)
        draft.refuse("adapter", f"there is no {said}. {FULL}")
    elif kind == "qlora":
        draft.change("adapter", QUANTISED)
    else:
        draft.keep("adapter")
    if draft.on("lora_target_linear"):
        draft.take("lora_target_linear", "target_modules", "all-linear")
        draft.keep("lora_target_modules")
    else:
        draft.keep("lora_target_linear")


def _model(draft: Draft) -> None:
    take_model(draft, "base_model", "revision_of_model")


def _warmup(draft: Draft) -> None:
    take_warmup(draft, WarmupNames(scheduler="lr_scheduler"))


def _batch(draft: Draft) -> None:
    """Axolotl's `batch_size` counts the rows of a whole step."""
    rows = draft.number("batch_size")
    if not rows:
        return
    each = draft.number("micro_batch_size") or 1
    if draft.on("gradient_accumulation_steps"):
        draft.refuse("batch_size", "gradient_accumulation_steps says it too; keep one of them.")
        return
    times = max(1, round(rows / each))
    draft.take(
        "batch_size",
        "gradient_accumulation_steps",
        times,
        None if times * each == rows else f"A step has {times * each:g} rows.",
    )


def _beta(draft: Draft) -> None:
    for key in ("rl_beta", "dpo_beta", "orpo_alpha"):
        if key not in draft.content:
            continue
        if "beta" in draft.fields:
            draft.leave(key, f"{draft.origins['beta']} goes before it.")
        else:
            draft.take(key, "beta", draft.content[key])


def _datasets(draft: Draft) -> None:
    if "datasets" in draft.content:
        draft.change("datasets", "The first dataset is named; bring them in as one.")
    path = draft.content.get("datasets.path")
    if isinstance(path, str):
        draft.dataset = path
        draft.understood["datasets.path"] = "dataset"
    elif "datasets" in draft.content or path is not None:
        draft.refuse("datasets", "a list is wanted, of datasets with a path each.")
    kind = draft.content.get("datasets.type")
    if kind == "completion":
        draft.refuse("datasets.type", f"whole texts are not learned. {METHODS}")
    elif kind == "alpaca" and "chat_template" not in draft.content:
        draft.take("datasets.type", "chat_template", "alpaca")


def _bf16(draft: Draft, key: str) -> None:
    if draft.content[key] == "auto":
        draft.understood[key] = "bf16, which is left to the recommendation"
    else:
        draft.take(key, "bf16", draft.content[key])


def _roles(draft: Draft, key: str) -> None:
    roles = draft.content[key]
    if isinstance(roles, list) and all(role in ("assistant", "gpt", "model") for role in roles):
        draft.keep(key)
    else:
        draft.change(key, ANSWERS)


def _ends(draft: Draft, key: str) -> None:
    if draft.word(key) == "turn":
        draft.keep(key)
    else:
        draft.change(key, "The end of each answer is learned, and no other.")


def _long_rows(draft: Draft, key: str) -> None:
    ways = {"drop": "leave_out", "truncate": "cut", "raise": "refuse"}
    way = draft.word(key)
    if way in ways:
        draft.take(key, "long_rows", ways[way])
    else:
        draft.refuse(key, "drop, truncate or raise is wanted.")


AXOLOTL = ForeignTool(
    title="Axolotl",
    spread=_spread,
    first=(_method, _adapter, _model, _warmup, _batch, _beta, _datasets),
    read=(
        "rl",
        "pretraining_dataset",
        "reward_model",
        "process_reward_model",
        "adapter",
        "lora_target_linear",
        "base_model",
        "revision_of_model",
        "warmup_ratio",
        "warmup_steps",
        "batch_size",
        "rl_beta",
        "dpo_beta",
        "orpo_alpha",
        "datasets",
        "datasets.path",
        "datasets.type",
    ),
    same={
        "lora_r": "r",
        "lora_alpha": "lora_alpha",
        "lora_dropout": "lora_dropout",
        "simpo_gamma": "simpo_gamma",
        "learning_rate": "learning_rate",
        "weight_decay": "weight_decay",
        "micro_batch_size": "per_device_train_batch_size",
        "gradient_accumulation_steps": "gradient_accumulation_steps",
        "sequence_len": "max_length",
        "max_grad_norm": "max_grad_norm",
        "seed": "seed",
    },
    turned={
        "lora_target_modules": take_targets,
        "lr_scheduler": take_scheduler,
        "num_epochs": take_epochs,
        "optimizer": take_optimizer,
        "chat_template": take_template(_TEMPLATES),
        "datasets.chat_template": take_template(_TEMPLATES),
        "bf16": _bf16,
        "bfloat16": _bf16,
        "fp16": take_half,
        "float16": take_half,
        "sample_packing": take_packing,
        "excess_length_strategy": _long_rows,
        "early_stopping_patience": take_patience,
        "roles_to_train": _roles,
        "datasets.roles_to_train": _roles,
        "train_on_eos": _ends,
        "datasets.train_on_eos": _ends,
    },
    changed=CHANGED,
    ignored=IGNORED,
    families=FAMILIES,
    defaults={
        "lora_dropout": 0.0,
        "target_modules": "all-linear",
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.03,
        "weight_decay": 0.0,
        "num_train_epochs": 1,
        "per_device_train_batch_size": 1,
        "gradient_accumulation_steps": 1,
        "max_length": 512,
        "long_rows": "leave_out",
        "max_grad_norm": 1.0,
        "beta": 0.1,
        "simpo_gamma": 0.5,
        "seed": 42,
    },
)
