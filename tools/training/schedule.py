"""The learning rate of each step: it rises, then falls as the recipe says.

The shapes are those of transformers' schedulers of the same names, but for one thing: the first
step learns. Theirs has a rate of 0.
"""

import math
from dataclasses import dataclass
from typing import Literal

Shape = Literal["cosine", "linear", "constant_with_warmup", "constant"]


@dataclass(frozen=True)
class Schedule:
    """Learning rates over a run of `steps`."""

    learning_rate: float
    shape: Shape
    steps: int
    warmup_share: float  # of the steps

    def rate_at(self, step: int) -> float:
        """Return the rate of a step, counted from 0."""
        warmup = 0 if self.shape == "constant" else math.ceil(self.steps * self.warmup_share)
        if step < warmup:
            return self.learning_rate * (step + 1) / warmup
        if self.shape.startswith("constant"):
            return self.learning_rate
        done = (step - warmup) / max(1, self.steps - warmup)
        if self.shape == "linear":
            return self.learning_rate * max(0.0, 1 - done)
        return self.learning_rate * max(0.0, 0.5 * (1 + math.cos(math.pi * done)))
