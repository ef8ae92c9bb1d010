"""Recommend a first recipe for a model, a machine and a dataset, with a reason for every value.

The values are those that published guides begin with for LoRA; what does not fit the memory is
made smaller before anything else is given up.

Not covered: searching for better values, and several GPUs.
"""

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import RecipeError
from tools.hub.resolve_model import ModelSource
from tools.training.estimate_memory import estimate_memory, usable_gib
from tools.training.probe_hardware import HardwareReport
from tools.training.recipe import Recipe

_TINY, _SMALL = 5_000_000, 700_000_000  # parameters
# Below this many parameters, bfloat16 saves less time than its rounding costs.
_BF16_FROM = 100_000_000
_TINY_STEPS, _TINY_EPOCHS = 500, 20
_LENGTH_STEP = 64  # tokens


class Recommendation(BaseModel):
    """A recipe to begin with."""

    model_config = ConfigDict(frozen=True)

    recipe: Recipe
    reasons: dict[str, str] = Field(description="Why each field of the recipe has its value.")
    estimated_memory_gib: float
    available_memory_gib: float
    fits: bool = Field(description="Whether the estimate is within what is free.")


class _Data(NamedTuple):
    rows: int
    longest_tokens: int
    median_tokens: int


class _Start(NamedTuple):
    """Rank and learning rate to begin with, and why."""

    rank: int
    rank_reason: str
    learning_rate: float
    rate_reason: str


# "LoRA Without Regret" (Thinking Machines, 2025) keeps alpha at 32 whatever the rank.
_ALPHA = 32
# 2e-4 is the rate of Unsloth's LoRA hyperparameters guide and of the LoRA example in TRL's sft.py.
# "LoRA Without Regret" finds the best rate at ten times a full fine-tune's, which TRL sets to 2e-5,
# and nearly the same for every rank.
_RATE = 2e-4
_RATE_REASON = (
    "Unsloth's guide and TRL's example for LoRA begin with 2e-4, ten times the rate of a full "
    "fine-tune, as 'LoRA Without Regret' by Thinking Machines advises."
)
_TINY_START = _Start(
    16,
    "Rank 16 gives the adapter of a tiny model enough room.",
    5e-3,
    "A model below 5 million parameters learns only at a high rate: 5e-3.",
)
# The rank of TRL's example, which tunes half a billion parameters. The adapter of a narrow model
# has fewer parameters at the same rank, so that the higher of Unsloth's two costs little.
_SMALL_START = _Start(
    32,
    "TRL's example of LoRA on half a billion parameters takes rank 32; Unsloth's guide says 16 or "
    "32.",
    _RATE,
    _RATE_REASON,
)
_LARGE_START = _Start(
    16,
    "Unsloth's guide begins with rank 16 or 32; the lower one takes less memory.",
    _RATE,
    _RATE_REASON,
)

_Choice = tuple[dict[str, object], dict[str, str]]


def recommend(
    model: ModelSource,
    hardware: HardwareReport,
    *,
    rows: int,
    longest_tokens: int,
    median_tokens: int,
    seed: int = 42,
) -> Recommendation:
    """Return the recipe to begin with.

    Args:
        model: The base model.
        hardware: What `probe_hardware` saw.
        rows: Rows to train on.
        longest_tokens: Length of the longest of them.
        median_tokens: Length of the one in the middle.
        seed: Seed of the run.

    Raises:
        RecipeError: There are no rows, or they have no tokens.
    """
    if min(rows, longest_tokens, median_tokens) < 1:
        raise RecipeError("There are no rows to train on. Import a dataset first.")
    data = _Data(rows, longest_tokens, median_tokens)
    values, reasons = _wishes(model, hardware, data, seed)
    room = usable_gib(hardware.training_memory_gib)
    wished = Recipe.model_validate(values)
    recipe = _smaller_batches(model, wished, room)
    if not _fits(model, recipe, room):
        recipe = _shorter_rows(model, recipe, room_gib=room, median_tokens=data.median_tokens)
    memory = estimate_memory(model, recipe).total_gib
    return Recommendation(
        recipe=recipe,
        reasons=reasons | _reasons_of_fit(wished, recipe, fits=memory <= room),
        estimated_memory_gib=round(memory, 2),
        available_memory_gib=hardware.training_memory_gib,
        fits=memory <= room,
    )


def _wishes(model: ModelSource, hardware: HardwareReport, data: _Data, seed: int) -> _Choice:
    """Return what is recommended whatever the memory, and why."""
    values: dict[str, object] = {"model_name_or_path": model.shown, "seed": seed}
    reasons = {
        "model_name_or_path": "The model that was chosen.",
        "seed": "The same seed gives the same run on the same machine.",
        "long_rows": "No answer is cut in two: longer rows are left out, and counted.",
        "chat_template": "The model is asked as it always was; without a template of its own, in "
        "plain lines.",
        "thoughts": "What the answers think first is learned, where there is any.",
    }
    for choice in (
        _adapter(model, data),
        _schedule(model, data),
        _precision(model, hardware),
        _length(model, data),
    ):
        values |= choice[0]
        reasons |= choice[1]
    return values, reasons


def _adapter(model: ModelSource, data: _Data) -> _Choice:
    start = _start(model.parameters or 0)
    few = data.rows < 500 and start is not _TINY_START
    return {
        "r": start.rank,
        "lora_alpha": _ALPHA,
        "lora_dropout": 0.05 if few else 0.0,
        "target_modules": "all-linear",
        "learning_rate": start.learning_rate,
        "weight_decay": 0.0,
    }, {
        "r": start.rank_reason,
        "lora_alpha": f"Alpha {_ALPHA}, as in 'LoRA Without Regret', weighs the adapter at rank "
        f"{start.rank} by {_ALPHA / start.rank:g}.",
        "lora_dropout": "With fewer than 500 rows, a little dropout keeps it from learning them "
        "by heart."
        if few
        else "Dropout slows learning and is not needed here.",
        "target_modules": "Adapting attention alone does worse, even with as many parameters.",
        "learning_rate": start.rate_reason,
        "weight_decay": "An adapter is small; holding it back with weight decay gains little.",
    }


def _start(parameters: int) -> _Start:
    if parameters <= _TINY:
        return _TINY_START
    return _SMALL_START if parameters <= _SMALL else _LARGE_START


def _schedule(model: ModelSource, data: _Data) -> _Choice:
    if (model.parameters or 0) <= _TINY:
        batch = 8 if data.rows < 500 else 16
        epochs = min(_TINY_EPOCHS, max(1, round(_TINY_STEPS * batch / data.rows)))
        why = f"A tiny model needs about {_TINY_STEPS} steps to learn a task."
    else:
        steps = ((500, 8, 5), (5_000, 16, 3), (20_000, 32, 2))
        batch, epochs = next(((b, e) for below, b, e in steps if data.rows < below), (32, 1))
        why = "Few rows need more passes, many rows are learned in one or two."
    return {
        "per_device_train_batch_size": batch,
        "num_train_epochs": epochs,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.05,
    }, {
        "num_train_epochs": f"{epochs} epochs of {data.rows:,} rows. {why}",
        "lr_scheduler_type": "A rate that falls along a cosine ends with small, careful steps.",
        "warmup_steps": "The rate rises during the first 5 % of the steps, so that the first "
        "batches do not throw the model off.",
    }


def _precision(model: ModelSource, hardware: HardwareReport) -> _Choice:
    large = (model.parameters or 0) >= _BF16_FROM
    if hardware.bf16 and large:
        why = "This machine computes in bfloat16 by itself: half the memory, and faster."
    elif large:
        why = "This machine has no bfloat16 worth using, so it computes in float32."
    else:
        why = "For a model this small, float32 costs little and is exact."
    return {"bf16": hardware.bf16 and large}, {"bf16": why}


def _length(model: ModelSource, data: _Data) -> _Choice:
    highest = min(model.max_positions or 131_072, 131_072)
    length = max(16, min(highest, _rounded_up(data.longest_tokens)))
    if length >= data.longest_tokens:
        why = f"The longest row has {data.longest_tokens:,} tokens; {length:,} holds all rows."
    else:
        why = f"The model reads {highest:,} tokens at most. Longer rows are left out."
    return {"max_length": length}, {"max_length": why}


def _fits(model: ModelSource, recipe: Recipe, room_gib: float) -> bool:
    return estimate_memory(model, recipe).total_gib <= room_gib


def _smaller_batches(model: ModelSource, recipe: Recipe, room_gib: float) -> Recipe:
    """Return `recipe` with the same rows a step in smaller batches, as small as need be."""
    while recipe.per_device_train_batch_size > 1 and not _fits(model, recipe, room_gib):
        recipe = recipe.model_copy(
            update={
                "per_device_train_batch_size": recipe.per_device_train_batch_size // 2,
                "gradient_accumulation_steps": recipe.gradient_accumulation_steps * 2,
            }
        )
    return recipe


def _shorter_rows(
    model: ModelSource, recipe: Recipe, *, room_gib: float, median_tokens: int
) -> Recipe:
    """Return `recipe` with the greatest length that fits and holds half of the rows, if any."""
    lowest = _rounded_up(median_tokens)
    for length in range(_rounded_down(recipe.max_length - 1), lowest - 1, -_LENGTH_STEP):
        shorter = recipe.model_copy(update={"max_length": length})
        if _fits(model, shorter, room_gib):
            return shorter
    return recipe


def _reasons_of_fit(wished: Recipe, recipe: Recipe, *, fits: bool) -> dict[str, str]:
    batch, times = recipe.per_device_train_batch_size, recipe.gradient_accumulation_steps
    reasons = {
        "per_device_train_batch_size": _reason_of_batch(batch, fits=fits),
        "gradient_accumulation_steps": f"{batch} x {times} = {batch * times} rows a step; 8 to 32 "
        "are in use for LoRA.",
    }
    if recipe.max_length < wished.max_length:
        reasons["max_length"] = (
            f"The memory holds rows of {recipe.max_length:,} tokens at most. Longer rows are "
            "left out."
        )
    return reasons


def _reason_of_batch(batch: int, *, fits: bool) -> str:
    if batch > 1:
        return f"{batch} rows at once fit the memory."
    return f"{'One' if fits else 'Not even one'} row at a time fits the memory."


def _rounded_up(tokens: int) -> int:
    return -(-tokens // _LENGTH_STEP) * _LENGTH_STEP


def _rounded_down(tokens: int) -> int:
    return tokens // _LENGTH_STEP * _LENGTH_STEP
