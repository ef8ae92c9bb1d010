"""What several tools write in the same way, turned into our fields.

Schedulers, warm-up, epochs, optimisers, templates, the layers to adapt, and the model.

Not covered: what one tool alone means by a name; see the modules named after the tools.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple, get_args

from tools.training.chat_templates import TemplateName
from tools.training.foreign_recipes.draft import Draft, Turn, shown
from tools.training.foreign_recipes.reasons import HALF, METHODS
from tools.training.recipe import MethodName

_SCHEDULERS = {
    "cosine": "cosine",
    "linear": "linear",
    "constant": "constant_with_warmup",
    "constant_with_warmup": "constant_with_warmup",
}
_NEAREST = {
    "polynomial": "linear",
    "inverse_sqrt": "linear",
    "rex": "linear",
    "reduce_lr_on_plateau": "constant_with_warmup",
    "warmup_stable_decay": "constant_with_warmup",
}


def take_method(draft: Draft, key: str, name: str, changed: str | None = None) -> None:
    """Take one of our methods, or refuse what is none."""
    if name not in get_args(MethodName):
        draft.refuse(key, f"there is no method {shown(name)}. {METHODS}")
        return
    draft.take(key, "method", name, changed)
    if key not in draft.content:
        draft.assumed["method"] = f"{name}, which {draft.tool} takes where the file says nothing."


def take_scheduler(draft: Draft, key: str) -> None:
    """Take the shape of the learning rate, or the nearest there is."""
    name = draft.word(key)
    if name in _SCHEDULERS:
        draft.take(key, "lr_scheduler_type", _SCHEDULERS[name])
        return
    nearest = _NEAREST.get(name, "cosine")
    draft.take(
        key, "lr_scheduler_type", nearest, f"CrewTune has no {shown(name)}; {nearest} is taken."
    )


class WarmupNames(NamedTuple):
    """What a tool calls the things that say how long the rate rises."""

    share: str = "warmup_ratio"
    steps: str = "warmup_steps"
    scheduler: str = "lr_scheduler_type"
    limit: str = "max_steps"


def take_warmup(draft: Draft, names: WarmupNames) -> None:
    """Take the share of the steps in which the rate rises. Steps go before a share."""
    share, steps = draft.number(names.share), draft.number(names.steps)
    if draft.content.get(names.scheduler) == "constant":
        draft.fields["warmup_steps"] = 0.0
        draft.origins["warmup_steps"] = names.scheduler
        for key in (names.share, names.steps):
            draft.leave(key, "A constant rate does not rise.")
        return
    if steps:
        _take_steps(draft, names, steps)
        draft.leave(names.share, f"{names.steps} goes before it.")
        return
    if share is not None:
        draft.take(names.share, "warmup_steps", share)
        draft.keep(names.steps)
    elif steps is not None:
        draft.take(names.steps, "warmup_steps", 0.0)


def _take_steps(draft: Draft, names: WarmupNames, steps: float) -> None:
    limit = draft.number(names.limit) or 0
    if steps < 1:
        draft.take(names.steps, "warmup_steps", steps)
    elif limit > steps:
        draft.take(
            names.steps,
            "warmup_steps",
            round(steps / limit, 4),
            f"{steps:g} of {limit:g} steps become that share of the run, however long it is.",
        )
    else:
        draft.take(
            names.steps,
            "warmup_steps",
            0.05,
            f"A share of the run is wanted, not {steps:g} steps: the rate rises in its first 5 %.",
        )


def take_epochs(draft: Draft, key: str) -> None:
    """Take how often the run goes over the rows, in whole epochs."""
    epochs = draft.number(key)
    if epochs is None:
        return
    whole = max(1, math.ceil(epochs))
    less = f"{epochs:g} become {whole}: a run goes over all rows each time."
    draft.take(key, "num_train_epochs", whole, less if whole != epochs else None)


_ADAMW = ("adamw_torch", "adamw_torch_fused", "adamw_hf", "adamw")


def take_optimizer(draft: Draft, key: str) -> None:
    """Say what becomes of the optimiser: AdamW is the one there is."""
    name = draft.word(key)
    if name in _ADAMW:
        draft.keep(key)
    elif "adamw" in name:
        draft.change(key, f"CrewTune has no {shown(name)}; AdamW keeps its moments in float32.")
    else:
        draft.change(key, f"CrewTune has no {shown(name)}; AdamW may want another rate.")


def take_template(names: Mapping[str, TemplateName]) -> Turn:
    """Return what takes a chat template, by its name in the tool."""

    def turn(draft: Draft, key: str) -> None:
        name = draft.word(key)
        if name in names:
            draft.take(key, "chat_template", names[name])
        else:
            draft.take(
                key,
                "chat_template",
                "own",
                f"CrewTune has no {shown(name)}; the model's own is used.",
            )

    return turn


def take_targets(draft: Draft, key: str) -> None:
    """Take the layers to adapt: all linear ones, or those that are named."""
    value = draft.content[key]
    if isinstance(value, list):
        draft.take(key, "target_modules", tuple(str(name).strip() for name in value))
    elif draft.word(key) in ("all", "all-linear", "all_linear"):
        draft.take(key, "target_modules", "all-linear")
    else:
        draft.take(
            key, "target_modules", tuple(name.strip() for name in str(value).split(",") if name)
        )


def leave_long_rows_out(draft: Draft) -> None:
    """Say what becomes of rows that are too long, where the tool cuts them."""
    draft.fields["long_rows"] = "leave_out"
    draft.assumed["long_rows"] = (
        f"leave_out: {draft.tool} cuts rows that are too long; here they are left out, and counted."
    )


def take_half(draft: Draft, key: str) -> None:
    """Say that float16 is not there."""
    if draft.on(key):
        draft.change(key, HALF)
        draft.fields.setdefault("bf16", False)
    else:
        draft.keep(key)


def take_packing(draft: Draft, key: str) -> None:
    """Take packing: rows stand one behind the other, but a step has as many as the batch says."""
    if draft.on(key):
        draft.take(
            key,
            "padding_free",
            True,
            "Nothing is padded and no row sees another, but a step has as many rows as the batch "
            f"size says, where {draft.tool} fills each with rows up to the length.",
        )
    else:
        draft.keep(key)


def take_patience(draft: Draft, key: str) -> None:
    """Take how long a run goes on without a lower held-out loss."""
    draft.take(
        key,
        "early_stopping_patience",
        draft.content[key],
        "It counts looks at the held-out loss, of which a run has eight.",
    )


def take_model(draft: Draft, key: str, revision: str) -> None:
    """Take the base model with its revision."""
    model, pinned = draft.content.get(key), draft.content.get(revision)
    if not isinstance(model, str) or not model:
        draft.refuse(key, "the name of a model is wanted.")
        return
    if pinned not in (None, "main"):
        draft.take(revision, "model_name_or_path", "")
        model = f"{model}@{pinned}"
    else:
        draft.keep(revision)
    draft.take(key, "model_name_or_path", model)
