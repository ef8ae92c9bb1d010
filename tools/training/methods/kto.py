"""Kahneman-Tversky optimisation: good answers become likelier, bad ones less likely.

Each answer is judged alone. Its reward is beta times the rise of its log-probability over the base
model's; its loss is 1 - sigmoid(reward - z) when it is good and 1 - sigmoid(z - reward) when it is
bad, where z is beta times how far the model has moved as a whole, measured on answers to other
questions (Ethayarajh et al., 2024, equation 8).

An example has two sequences: the answer, and the same question with another row's answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tools.training.methods.method import Example, Method, Moment, Part, Sums

if TYPE_CHECKING:
    from torch import Tensor


def kto(beta: float, *, good_weight: float = 1.0, bad_weight: float = 1.0) -> Method:
    """Return the method for answers that are good or bad.

    Args:
        beta: How much a rise of the log-probability counts.
        good_weight: What a good answer's loss counts.
        bad_weight: Of a bad one; the two even out how many there are of each.
    """

    def loss(part: Part) -> tuple[Tensor, Sums]:
        found = part.log_probabilities()
        known = found.new_tensor([one.reference[0] for one in part.examples])
        moved = found.new_tensor([one.baseline for one in part.examples])
        good = found.new_tensor([float(one.good) for one in part.examples])
        sign, share = 2 * good - 1, good * good_weight + (1 - good) * bad_weight
        rewards = beta * (found - known)
        losses = share * (1 - (sign * (rewards - beta * moved)).sigmoid())
        sums = {"rewards/margins": (sign * rewards).detach().sum(), "kl": moved.sum()}
        return losses.sum(), sums

    return Method(loss=loss, prepare=_measure_movement, needs_reference=True)


def _measure_movement(moment: Moment, examples: Sequence[Example]) -> Sequence[Example]:
    """Return the examples without their other answers, and with how far the model has moved."""
    found = moment.log_probabilities([one.sequences[1] for one in examples])
    rises = [now - one.reference[1] for now, one in zip(found, examples, strict=True)]
    moved = max(0.0, sum(rises) / len(rises))
    return [
        replace(one, sequences=one.sequences[:1], reference=one.reference[:1], baseline=moved)
        for one in examples
    ]
