"""The first thirty steps of every method are those that were recorded.

A change of the engine that moves them is a change of what people get from their recipes. Where one
is meant, `--record-trajectories` writes them anew, and the difference is there to be read.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tools.training.encode import IGNORED, EncodedRow
from tools.training.learner import Learner
from tools.training.load_model import LoadedModel
from tools.training.make_learner import make_learner
from tools.training.methods.choose_method import choose_method
from tools.training.methods.method import Example
from tools.training.recipe import MethodName, Recipe
from tools.training.schedule import Schedule
from tools.training.step_order import StepOrder
from tools.training.write_answers import Answer

RECORDED = Path(__file__).parent / "trajectories"
METHODS = get_args(MethodName)
STEPS = 30


def sequence(number: int, *, good: bool) -> EncodedRow:
    """Return a question of a few tokens, and the answer that follows from it, or does not."""
    draw = random.Random(number)
    asked = [draw.randrange(61) for _ in range(draw.randrange(4, 20))]
    answer = [(token + (1 if good else 7)) % 61 for token in asked[:6]]
    return EncodedRow(number, asked + answer, [IGNORED] * len(asked) + answer)


def example(number: int, method: MethodName) -> Example:
    good, bad = sequence(number, good=True), sequence(number, good=False)
    if method == "sft":
        return Example((good,))
    if method == "grpo":
        asked = good.input_ids[: good.labels.count(IGNORED)]
        prompt = EncodedRow(number, asked, [IGNORED] * len(asked))
        return Example((prompt,), expected=((f"{good.input_ids[len(asked) :]}",),))
    if method == "kto":
        own = good if number % 2 else bad
        answer = [token for token in sequence(number + 1, good=True).labels if token != IGNORED]
        asked = own.input_ids[: own.labels.index(next(one for one in own.labels if one >= 0))]
        other = EncodedRow(number, asked + answer, [IGNORED] * len(asked) + answer)
        return Example((own, other), reference=(-25.0, -25.0), good=number % 2 == 1)
    return Example((good, bad), reference=(-25.0, -25.0))


class Guesser:
    """Writes the right answer or a wrong one, by its lots: a model's own would differ by a hair."""

    def write(
        self, prompts: Sequence[list[int]], drawn_by: Sequence[str] | None, *, at_once: int
    ) -> list[Answer]:
        answers = []
        for prompt, words in zip(prompts, drawn_by or (), strict=True):
            further = 1 if random.Random(words).random() < 0.4 else 7
            tokens = [(token + further) % 61 for token in prompt[:6]]
            answers.append(Answer(tokens, str(tokens), ended=False))
        return answers


def make(recipe: Recipe, examples: list[Example]) -> Learner:
    torch.manual_seed(5)
    config = LlamaConfig(
        vocab_size=61,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    loaded = LoadedModel(LlamaForCausalLM(config).eval(), PreTrainedTokenizerFast)
    method = choose_method(recipe, Guesser(), good=16, bad=16)
    return make_learner(loaded, recipe, method, examples[0].sequences, print)


def trajectory(method: MethodName, **values: Any) -> list[tuple[float, float]]:
    """Return the loss and the gradient's norm of each step."""
    settings = {"method": method, "learning_rate": 1e-2, "r": 8, "per_device_train_batch_size": 4}
    if method == "grpo":
        settings |= {"rewards": [{"name": "exact_match"}], "num_generations": 4}
    recipe = Recipe.model_validate({"model_name_or_path": "made", **settings, **values})
    examples = [example(number, method) for number in range(32)]
    learner = make(recipe, examples)
    order = StepOrder([one.tokens for one in examples], 4, recipe.seed)
    schedule = Schedule(recipe.learning_rate, "cosine", STEPS, 0.1)
    taken = [
        learner.step([examples[row] for row in order.rows_of(step)], schedule.rate_at(step), step)
        for step in range(STEPS)
    ]
    return [(round(one.loss, 5), round(one.norm, 5)) for one in taken]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_takes_the_steps_that_were_recorded(
    method: MethodName, request: pytest.FixtureRequest
) -> None:
    found = trajectory(method)

    path = RECORDED / f"{method}.json"
    if request.config.getoption("--record-trajectories", default=False):
        path.write_text(json.dumps(found), encoding="utf-8")
    recorded = json.loads(path.read_text(encoding="utf-8"))
    assert [one[0] for one in found] == pytest.approx([one[0] for one in recorded], rel=1e-3)
    assert [one[1] for one in found] == pytest.approx([one[1] for one in recorded], rel=1e-2)


@pytest.mark.parametrize("method", METHODS)
def test_the_quick_path_takes_the_same_steps_as_the_plain_one(method: MethodName) -> None:
    quick, plain = trajectory(method), trajectory(method, padding_free=False)

    assert [one[0] for one in quick] == pytest.approx([one[0] for one in plain], rel=1e-3)
    assert [one[1] for one in quick] == pytest.approx([one[1] for one in plain], rel=1e-2)


def test_another_rate_takes_other_steps() -> None:
    first, second = trajectory("sft"), trajectory("sft", learning_rate=9e-3)

    assert [one[0] for one in first] != pytest.approx([one[0] for one in second], rel=1e-3)
