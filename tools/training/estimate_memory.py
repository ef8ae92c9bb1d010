"""Estimate the memory that a LoRA training needs, before it starts.

The figures are the measured growth of a process that trains Llama-shaped models with all linear
layers adapted and no gradient checkpointing, as `train` does. Fewer adapted layers need less.

Not covered: mixtures of experts, whose adapters are larger, and memory shared with other programs.
"""

from pydantic import BaseModel, ConfigDict

from tools.errors import RecipeError
from tools.hub.check_model_folder import ModelFacts
from tools.training.recipe import Recipe

_GIB = 2**30
# For the backward pass, in bytes for each token and layer: so much for each unit of the hidden
# size, and so much for each unit of the intermediate size.
_KEPT_FLOAT32 = (82, 38)
_KEPT_BFLOAT16 = (46, 11)
# The loss holds about eight arrays of float32, each with a number for every token and word.
_BYTES_PER_LOGIT = 34
# Adapters are float32: the weight, its gradient and two moments of AdamW.
_BYTES_PER_ADAPTER_PARAMETER = 16
# Python, torch and the libraries around them; on a GPU, its context and workspace.
_ALWAYS_GIB = 1.4
# Room left for what the estimate does not see.
_USABLE_SHARE = 0.9


class MemoryEstimate(BaseModel):
    """Memory in GiB, by what takes it."""

    model_config = ConfigDict(frozen=True)

    weights_gib: float
    adapter_gib: float
    activations_gib: float
    logits_gib: float
    always_gib: float = _ALWAYS_GIB

    @property
    def total_gib(self) -> float:
        """Everything together."""
        parts = (self.weights_gib, self.adapter_gib, self.activations_gib, self.logits_gib)
        return sum(parts) + self.always_gib


def estimate_memory(model: ModelFacts, recipe: Recipe) -> MemoryEstimate:
    """Return what training `model` with `recipe` takes at its longest rows."""
    tokens = recipe.per_device_train_batch_size * recipe.max_length
    hidden, inner = _KEPT_BFLOAT16 if recipe.bf16 else _KEPT_FLOAT32
    kept = hidden * model.hidden_size + inner * model.intermediate_size
    return MemoryEstimate(
        weights_gib=(model.parameters or 0) * (2 if recipe.bf16 else 4) / _GIB,
        adapter_gib=adapter_parameters(model, recipe) * _BYTES_PER_ADAPTER_PARAMETER / _GIB,
        activations_gib=tokens * model.layers * kept / _GIB,
        logits_gib=tokens * model.vocab_size * _BYTES_PER_LOGIT / _GIB,
    )


def usable_gib(free_gib: float) -> float:
    """Return how much of the free memory the estimate of a training that fits may take."""
    return _USABLE_SHARE * free_gib


def check_memory(model: ModelFacts, recipe: Recipe, *, free_gib: float) -> None:
    """Check that training `model` with `recipe` fits in the memory that is free.

    Raises:
        RecipeError: It does not.
    """
    needed_gib = estimate_memory(model, recipe).total_gib
    if needed_gib > usable_gib(free_gib):
        raise RecipeError(
            f"The training needs about {needed_gib:.1f} GiB of memory, and of the {free_gib:.1f} "
            f"GiB that are free it may take {usable_gib(free_gib):.1f}. Choose a smaller model."
        )


def adapter_parameters(model: ModelFacts, recipe: Recipe) -> int:
    """Return how many parameters a LoRA on all linear layers has, at most.

    Each layer has four attention matrices between hidden sizes (fewer numbers where keys and
    values are shared) and three between hidden and intermediate size.
    """
    inputs_and_outputs = 8 * model.hidden_size + 3 * (model.hidden_size + model.intermediate_size)
    return model.layers * recipe.r * inputs_and_outputs
