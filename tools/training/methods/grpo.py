"""Group-relative policy optimisation: answers that are better than the model's others win.

At each step the model writes several answers to each question. Rewards judge them, and an answer's
advantage is by how much it is better than the mean of its group, in standard deviations of the
group (Shao et al., 2024, section 4.1.2). The loss is minus the advantage times the probability of
each token over what it was when the token was written, as a mean over all tokens of the step, so
that long answers are not let off (Yu et al., 2025, "DAPO", section 3.3; TRL's default too).

Each answer is learned from once. That ratio is then 1, and only its gradient counts: clipping would
never happen. A group whose answers are all worth the same has no advantages and is not read.

What is told as the loss is 1 less the mean reward; of held-out rows it is that of the likeliest
answers, so that it is the same for the same weights.

Not covered: keeping the model near its base by a KL term, of which TRL's default is none too, and
learning from one answer several times.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import fmean, stdev
from typing import TYPE_CHECKING

from tools.training.encode import IGNORED, EncodedRow
from tools.training.methods.method import Example, Method, Moment, Part, Sums, predicted_tokens
from tools.training.recipe import Recipe
from tools.training.rewards import Written, judge, names_of, weighed
from tools.training.write_answers import Answer, Writer

if TYPE_CHECKING:
    from torch import Tensor

_NEVER_ZERO = 1e-4  # under the standard deviation, as TRL has it
_SAME = 1e-9


def grpo(recipe: Recipe, writer: Writer) -> Method:
    """Return the method that learns from what the rewards of `recipe` give to answers.

    Args:
        recipe: Has the rewards, the number of answers and the seed of their lots.
        writer: Writes them.
    """

    def prepare(moment: Moment, examples: Sequence[Example]) -> Sequence[Example]:
        learning = moment.step is not None
        asked = [one for one in examples for _ in range(recipe.num_generations if learning else 1)]
        drawn_by = list(_words(recipe, moment.step, examples)) if learning else None
        prompts = [one.sequences[0].input_ids for one in asked]
        answers = writer.write(prompts, drawn_by, at_once=moment.most_tokens)
        judged = [_judged(recipe, *pair) for pair in zip(asked, answers, strict=True)]
        return _compared(judged, recipe.num_generations) if learning else judged

    return Method(
        loss=_loss,
        weight=lambda one: float(predicted_tokens(one.sequences[0])),
        prepare=prepare,
        learns_from=lambda one: one.advantage != 0,
        shown_loss=lambda examples: 1 - fmean(one.told["reward"] for one in examples),
        temperature=recipe.temperature,
    )


def _loss(part: Part) -> tuple[Tensor, Sums]:
    advantages = part.losses.new_tensor([one.advantage for one in part.examples])
    ratios = (part.losses.detach() - part.losses).exp()
    return -(advantages[part.batch.rows] * ratios).sum(), {}


def _words(recipe: Recipe, step: int | None, examples: Sequence[Example]) -> Iterator[str]:
    """Yield what the lots of each answer are drawn by."""
    for one in examples:
        for number in range(recipe.num_generations):
            yield f"{recipe.seed}/{step}/{one.sequences[0].row}/{number}"


def _judged(recipe: Recipe, asked: Example, answer: Answer) -> Example:
    """Return the example of a question and an answer, with what the rewards give to it."""
    prompt = asked.sequences[0]
    tokens = len(answer.tokens) - answer.ended
    given = [
        judge(reward, Written(answer.text, tokens), expected)
        for reward, expected in zip(recipe.rewards, asked.expected, strict=True)
    ]
    sequence = EncodedRow(
        prompt.row,
        prompt.input_ids + answer.tokens,
        [IGNORED] * len(prompt.input_ids) + answer.tokens,
    )
    told = {
        "reward": weighed(recipe.rewards, given),
        "completions/mean_length": float(tokens),
        "completions/clipped_ratio": float(not answer.ended),
    }
    names = (f"rewards/{name}/mean" for name in names_of(recipe.rewards))
    return Example((sequence,), told=told | dict(zip(names, given, strict=True)))


def _compared(judged: Sequence[Example], group_size: int) -> list[Example]:
    """Return the answers with their advantages and what is measured of their groups."""
    compared = []
    for start in range(0, len(judged), group_size):
        group = judged[start : start + group_size]
        advantages = advantages_of([one.told["reward"] for one in group])
        spread = _spread(group) | {"frac_reward_zero_std": float(not any(advantages))}
        compared += [
            replace(one, advantage=advantage, told={**one.told, **spread})
            for one, advantage in zip(group, advantages, strict=True)
        ]
    return compared


def _spread(group: Sequence[Example]) -> dict[str, float]:
    """Return the standard deviations within a group, which tell what can be learned from it."""
    means = [name for name in group[0].told if name.startswith("rewards/")]
    names = {"reward": "reward_std"} | {name: f"{name.removesuffix('mean')}std" for name in means}
    return {std: stdev(one.told[name] for one in group) for name, std in names.items()}


def advantages_of(rewards: Sequence[float]) -> list[float]:
    """Return by how much each of a group's rewards is above their mean, in standard deviations."""
    if max(rewards) - min(rewards) < _SAME:
        return [0.0] * len(rewards)
    mean, scale = fmean(rewards), stdev(rewards) + _NEVER_ZERO
    return [(one - mean) / scale for one in rewards]
