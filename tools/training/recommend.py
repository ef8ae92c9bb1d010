"""Recommend a first recipe for a model, a machine and a dataset, with a reason for every value.

The values are those that published guides begin with for LoRA; what does not fit the memory is
made smaller before anything else is given up.

Not covered: searching for better values, and several GPUs.
"""

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import RecipeError
from tools.hub.resolve_model import ModelSource
from tools.training.estimate_memory import estimate_memory, usable_gib
from tools.training.probe_hardware import HardwareReport
from tools.training.recipe import MethodName, Recipe
from tools.training.rewards import Reward
from tools.training.wished_values import LENGTH_STEP, RunData, rounded_up, wished_values


class Recommendation(BaseModel):
    """A recipe to begin with."""

    model_config = ConfigDict(frozen=True)

    recipe: Recipe
    reasons: dict[str, str] = Field(description="Why each field of the recipe has its value.")
    estimated_memory_gib: float
    available_memory_gib: float
    fits: bool = Field(description="Whether the estimate is within what is free.")


def recommend(
    model: ModelSource,
    hardware: HardwareReport,
    *,
    rows: int,
    longest_tokens: int,
    median_tokens: int,
    method: MethodName = "sft",
    rewards: tuple[Reward, ...] = (),
    seed: int = 42,
) -> Recommendation:
    """Return the recipe to begin with.

    Args:
        model: The base model.
        hardware: What `probe_hardware` saw.
        rows: Rows to train on.
        longest_tokens: Length of the longest of them.
        median_tokens: Length of the one in the middle.
        method: How the rows are learned.
        rewards: What judges the answers of grpo, which nothing but its user knows.
        seed: Seed of the run.

    Raises:
        RecipeError: There are no rows, or they have no tokens.
    """
    if min(rows, longest_tokens, median_tokens) < 1:
        raise RecipeError("There are no rows to train on. Import a dataset first.")
    data = RunData(rows, longest_tokens, median_tokens, method, seed, rewards)
    values, reasons = wished_values(model, hardware, data)
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
    lowest = rounded_up(median_tokens)
    for length in range(_rounded_down(recipe.max_length - 1), lowest - 1, -LENGTH_STEP):
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


def _rounded_down(tokens: int) -> int:
    return tokens // LENGTH_STEP * LENGTH_STEP
