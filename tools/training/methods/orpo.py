"""Odds ratio preference optimisation: learn the chosen answer, and prefer it, in one loss.

The loss of a pair is the chosen answer's mean loss a token, less lambda times the log sigmoid of
the log odds ratio, where the odds of an answer are p / (1 - p) of its mean log-probability a token
(Hong, Lee and Thorne, 2024, equations 6 and 7). No reference model is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.training.methods.dpo import rewards_of
from tools.training.methods.method import Method, Part, Sums

if TYPE_CHECKING:
    from torch import Tensor


def orpo(beta: float) -> Method:
    """Return the method for examples of a chosen and a rejected sequence.

    Args:
        beta: The paper's lambda, under the name that trainers give it.
    """

    def loss(part: Part) -> tuple[Tensor, Sums]:
        from torch.nn.functional import logsigmoid

        means = part.mean_log_probabilities()
        chosen, rejected = means[0::2], means[1::2]
        preferred = logsigmoid(_log_odds(chosen) - _log_odds(rejected))
        sums = rewards_of(beta * chosen, beta * rejected)
        return (-chosen - beta * preferred).sum(), sums

    return Method(loss=loss)


def _log_odds(log_probability: Tensor) -> Tensor:
    import torch

    # A probability of 1 has no odds; the step below it in float32 does.
    below_one = log_probability.clamp(max=-torch.finfo(torch.float32).eps)
    return below_one - torch.log1p(-torch.exp(below_one))
