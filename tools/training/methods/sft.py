"""Supervised fine-tuning: the model learns to write the answers.

The loss is the weighted mean of the losses of the answers' tokens. Plain text, all of whose tokens
are answers, makes it continued pretraining.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.training.encode import IGNORED
from tools.training.methods.method import Example, Method, Part, Sums, predicted_tokens

if TYPE_CHECKING:
    from torch import Tensor


def sft() -> Method:
    """Return the method whose loss is the cross-entropy of the answers' tokens."""
    return Method(loss=_loss, weight=_weight)


def _weight(example: Example) -> float:
    (row,) = example.sequences
    if row.weights is None:
        return float(predicted_tokens(row))
    told = zip(row.weights[1:], row.labels[1:], strict=True)
    return sum(weight for weight, label in told if label != IGNORED)


def _loss(part: Part) -> tuple[Tensor, Sums]:
    return (part.losses * part.batch.weights).sum(), {}
