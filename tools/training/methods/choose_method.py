"""The method that a recipe names, with its settings."""

from typing import Literal

from tools.training.encode_examples import Kind
from tools.training.methods.dpo import dpo
from tools.training.methods.grpo import grpo
from tools.training.methods.kto import kto
from tools.training.methods.method import Method
from tools.training.methods.orpo import orpo
from tools.training.methods.sft import sft
from tools.training.methods.simpo import simpo
from tools.training.recipe import MethodName, Recipe
from tools.training.write_answers import Writer

_KINDS: dict[MethodName, Kind | Literal["prompts"]] = {
    "sft": "answers",
    "dpo": "pairs",
    "orpo": "pairs",
    "simpo": "pairs",
    "kto": "judged",
    "grpo": "prompts",
}


def choose_method(recipe: Recipe, writer: Writer, *, good: int = 1, bad: int = 1) -> Method:
    """Return the method of `recipe`.

    Args:
        recipe: Names it and its settings.
        writer: Lets the model write answers, for methods that learn from those.
        good: How many answers to learn from are good.
        bad: How many are bad. The fewer of the two count more, so that both weigh the same.
    """
    beta = recipe.beta
    if recipe.method == "dpo":
        return dpo(beta)
    if recipe.method == "orpo":
        return orpo(beta)
    if recipe.method == "simpo":
        return simpo(beta, recipe.simpo_gamma)
    if recipe.method == "kto":
        most = max(good, bad)
        return kto(beta, good_weight=most / max(1, good), bad_weight=most / max(1, bad))
    if recipe.method == "grpo":
        return grpo(recipe, writer)
    return sft()


def kind_of(method: MethodName) -> Kind | Literal["prompts"]:
    """Return what rows `method` learns from."""
    return _KINDS[method]
