"""Direct preference optimisation: the chosen answer becomes likelier than the rejected one.

The loss of a pair is -log sigmoid(beta * margin), where the margin is by how much the chosen
answer's log-probability has risen over the base model's, less the same of the rejected answer
(Rafailov et al., 2023, equation 7).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.training.methods.method import Method, Part, Sums

if TYPE_CHECKING:
    from torch import Tensor


def dpo(beta: float) -> Method:
    """Return the method for examples of a chosen and a rejected sequence, with their reference."""

    def loss(part: Part) -> tuple[Tensor, Sums]:
        from torch.nn.functional import logsigmoid

        found = part.log_probabilities()
        known = found.new_tensor([value for one in part.examples for value in one.reference])
        rewards = beta * (found - known)
        chosen, rejected = rewards[0::2], rewards[1::2]
        return -logsigmoid(chosen - rejected).sum(), rewards_of(chosen, rejected)

    return Method(loss=loss, needs_reference=True)


def rewards_of(chosen: Tensor, rejected: Tensor) -> Sums:
    """Return the sums that people watch in preference training, under TRL's names."""
    return {
        "rewards/chosen": chosen.detach().sum(),
        "rewards/rejected": rejected.detach().sum(),
        "rewards/margins": (chosen - rejected).detach().sum(),
        "rewards/accuracies": (chosen > rejected).float().sum(),
    }
