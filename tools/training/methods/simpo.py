"""Simple preference optimisation: the chosen answer is likelier a token, by a margin.

The loss of a pair is -log sigmoid(beta * difference - gamma), where the difference is that of the
mean log-probabilities a token (Meng, Xia and Chen, 2024, equation 6). No reference model is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.training.methods.dpo import rewards_of
from tools.training.methods.method import Method, Part, Sums

if TYPE_CHECKING:
    from torch import Tensor


def simpo(beta: float, gamma: float) -> Method:
    """Return the method for examples of a chosen and a rejected sequence."""

    def loss(part: Part) -> tuple[Tensor, Sums]:
        from torch.nn.functional import logsigmoid

        rewards = beta * part.mean_log_probabilities()
        chosen, rejected = rewards[0::2], rewards[1::2]
        return -logsigmoid(chosen - rejected - gamma).sum(), rewards_of(chosen, rejected)

    return Method(loss=loss)
