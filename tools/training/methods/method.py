"""What every training method is made of.

A method says what an example weighs, and what its loss is, given the losses of its tokens. Both
are sums, so that a step may be cut into parts of any size and still mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.training.encode import IGNORED, EncodedRow

if TYPE_CHECKING:
    from torch import Tensor

    from tools.training.padding_free import Batch

_NOTHING: dict[str, float] = {}  # one for a million examples


@dataclass(frozen=True, slots=True)
class Example:
    """One row as a method sees it."""

    sequences: tuple[EncodedRow, ...]  # one, or the chosen and the rejected answer
    reference: tuple[float, ...] = ()  # log-probability of each sequence under the base model
    good: bool = True  # of an answer judged alone
    baseline: float = 0.0  # what a method measures of a whole step
    expected: tuple[tuple[str, ...], ...] = ()  # by reward: the answers that are right
    advantage: float = 0.0  # of an answer over the others to its question
    told: Mapping[str, float] = field(default_factory=lambda: _NOTHING)  # worth watching

    @property
    def tokens(self) -> int:
        """Tokens that the model reads for it."""
        return sum(len(one.input_ids) for one in self.sequences)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a step, as the model has read it."""

    examples: Sequence[Example]
    batch: Batch  # their sequences, in their order
    losses: Tensor  # of the predicted tokens, (P,), in nats

    def log_probabilities(self) -> Tensor:
        """Return the log-probability of each sequence: the sum over its predicted tokens."""
        return -self._sums(self.losses)

    def mean_log_probabilities(self) -> Tensor:
        """Return the log-probability a predicted token of each sequence."""
        import torch

        return -self._sums(self.losses) / self._sums(torch.ones_like(self.losses))

    def _sums(self, values: Tensor) -> Tensor:
        sums = values.new_zeros(len(self.batch.row_lengths))
        return sums.index_add(0, self.batch.rows, values)


Sums = dict[str, "Tensor"]  # over the examples of a part
LogProbabilities = Callable[[Sequence[EncodedRow]], list[float]]  # of sequences, as the model is


@dataclass(frozen=True, slots=True)
class Moment:
    """What a method may know while it prepares examples."""

    log_probabilities: LogProbabilities
    most_tokens: int  # that the model reads at once
    step: int | None  # counted from 0; None of a look at held-out examples


def _one(_: Example) -> float:
    return 1.0


def _always(_: Example) -> bool:
    return True


def _as_they_are(_: Moment, examples: Sequence[Example]) -> Sequence[Example]:
    return examples


@dataclass(frozen=True)
class Method:
    """A way to train.

    Attributes:
        loss: Returns the summed loss of a part, and other sums worth watching.
        weight: What an example counts in the mean over a step.
        prepare: Returns the examples of a step with what is to be known of the step as a whole.
        needs_reference: Whether the examples need their log-probabilities under the base model.
        learns_from: Whether a prepared example moves the model. Those that do not are not read.
        shown_loss: Of prepared examples, what is told in place of the loss, where that says
            nothing of how good the model is. Held-out examples are then not read either.
        temperature: That by which the model's scores are divided.
    """

    loss: Callable[[Part], tuple[Tensor, Sums]]
    weight: Callable[[Example], float] = _one
    prepare: Callable[[Moment, Sequence[Example]], Sequence[Example]] = _as_they_are
    needs_reference: bool = False
    learns_from: Callable[[Example], bool] = _always
    shown_loss: Callable[[Sequence[Example]], float] | None = None
    temperature: float = 1.0


def predicted_tokens(row: EncodedRow) -> int:
    """Return how many tokens of `row` are predicted. The first has nothing before it."""
    return sum(label != IGNORED for label in row.labels[1:])
