"""Take optimiser steps with a model and a method, in parts that fit the memory.

A step's gradient is the sum over its parts, each divided by the weight of the whole step, so that
eight rows in one part and eight parts of one row are the same step. Where the memory ends, the
parts are halved and the step is taken again: the run goes on, slower.

Not covered: which rows a step has (`step_order`), and when to stop (`train_steps`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tools.errors import TrainingError
from tools.training.encode import EncodedRow
from tools.training.methods.method import Example, Method, Moment, Part
from tools.training.out_of_memory import out_of_memory
from tools.training.padding_free import make_batch, padded_token_losses, token_losses
from tools.training.sequence_losses import sequence_log_probabilities
from tools.training.step_order import cut_step

Examples = Sequence[Example]
Parts = Sequence[Sequence[Example]]

_TOO_LARGE = (
    "The memory is too small for one row of this training. Make max_length of its recipe smaller, "
    "or choose a smaller model."
)


@dataclass(frozen=True)
class Taken:
    """What a step, or an evaluation, has found."""

    loss: float  # mean over the weight of all its examples, or what the method shows instead
    norm: float  # of the gradient before clipping; 0 of an evaluation
    tokens: int
    measured: dict[str, float]  # the method's own numbers, each a mean over the examples


class Learner:
    """A model in training."""

    def __init__(
        self,
        model: Any,
        method: Method,
        optimizer: Any,
        *,
        most_tokens: int,
        max_grad_norm: float,
        padded: bool,
        tell: Callable[[str], None],
    ) -> None:
        """Keep what steps are taken with.

        Args:
            model: Its trainable parameters are those of `optimizer`.
            method: What the loss is.
            optimizer: Of torch.
            most_tokens: Of a part; made smaller when the memory ends.
            max_grad_norm: The gradient is scaled down to this norm.
            padded: Whether the model reads padded rows only.
            tell: Told when the parts are made smaller.
        """
        self.model, self.optimizer = model, optimizer
        self.most_tokens = most_tokens
        self._method, self._max_grad_norm, self._tell = method, max_grad_norm, tell
        self._padded = padded
        self._parameters = [one for group in optimizer.param_groups for one in group["params"]]

    def step(self, examples: Examples, rate: float, number: int = 0) -> Taken:
        """Learn from `examples` at the learning rate `rate`.

        Args:
            examples: As they were read.
            rate: The learning rate.
            number: Of the step, counted from 0. A method that draws lots draws them by it.

        Raises:
            TrainingError: Not even one of them fits the memory.
        """
        import torch

        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.model.train()
        taken = self._within_memory(examples, number)
        norm = torch.nn.utils.clip_grad_norm_(self._parameters, self._max_grad_norm, foreach=True)
        found = Taken(taken.loss, float(norm), taken.tokens, taken.measured)
        # A gradient that is no number would make every weight one; the watchdogs see the norm.
        if torch.isfinite(norm):
            self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return found

    def evaluate(self, examples: Examples) -> Taken:
        """Return the loss of `examples`, from which nothing is learned."""
        import torch

        self.model.eval()
        with torch.no_grad():
            return self._within_memory(examples, None)

    def log_probabilities(self, rows: Sequence[EncodedRow]) -> list[float]:
        """Return the log-probability of each row's predicted tokens together, as the model is."""
        return sequence_log_probabilities(
            self.model, rows, most_tokens=self.most_tokens, padded=self._padded
        )

    def _within_memory(self, examples: Examples, step: int | None) -> Taken:
        """Return what is found, with parts so small that they fit the memory; None only looks."""
        state = random_state()
        while True:
            parts: Parts = []
            try:
                moment = Moment(self.log_probabilities, self.most_tokens, step)
                ready = self._method.prepare(moment, examples)
                parts = self._cut([one for one in ready if self._method.learns_from(one)])
                return self._sum_up(ready, parts, learning=step is not None)
            except Exception as error:
                if not out_of_memory(error):
                    raise
                if self._is_smallest(examples, parts):
                    raise TrainingError(_TOO_LARGE) from error
            # A row that is longer than a part may be has one of its own.
            largest = max((_tokens(part) for part in parts), default=self.most_tokens)
            self._make_room(min(largest, self.most_tokens))
            set_random_state(state)  # the same dropout as if the memory had not ended

    def _cut(self, examples: Examples) -> Parts:
        lengths = [one.tokens for one in examples]
        cut = cut_step(lengths, self.most_tokens, padded=self._padded)
        return [[examples[place] for place in part] for part in cut]

    def _is_smallest(self, examples: Examples, parts: Parts) -> bool:
        if parts:
            return max(map(len, parts)) == 1
        return self.most_tokens <= max(one.tokens for one in examples)

    def _make_room(self, tokens: int) -> None:
        import torch

        self.optimizer.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        self.most_tokens = tokens // 2
        self._tell(
            f"The memory is too small for {tokens:,} tokens at once. The step is taken again in "
            f"parts of {self.most_tokens:,} at most; the run learns the same, more slowly."
        )

    def _sum_up(self, ready: Examples, parts: Parts, *, learning: bool) -> Taken:
        shown = self._method.shown_loss
        if shown is not None and not learning:
            return Taken(shown(ready), 0.0, _tokens(ready), _told(ready))
        whole = sum(map(self._method.weight, ready))
        total: Any = 0.0
        measured: dict[str, Any] = {}
        for part in parts:
            loss, numbers = self._method.loss(self._read(part))
            if learning:
                share: Any = loss / whole
                share.backward()
            total = total + loss.detach()
            for name, value in numbers.items():
                measured[name] = measured.get(name, 0.0) + value
        return Taken(
            loss=float(total) / whole if shown is None else shown(ready),
            norm=0.0,
            tokens=_tokens(ready),
            measured=_told(ready)
            | {name: float(value) / len(ready) for name, value in measured.items()},
        )

    def _read(self, part: Examples) -> Part:
        rows = [row for one in part for row in one.sequences]
        batch = make_batch(rows, str(self.model.device))
        losses = padded_token_losses if self._padded else token_losses
        return Part(part, batch, losses(self.model, batch, self._method.temperature))


def _tokens(examples: Examples) -> int:
    return sum(one.tokens for one in examples)


def _told(examples: Examples) -> dict[str, float]:
    """Return the mean of each number that the examples tell."""
    names = examples[0].told if examples else ()
    return {name: sum(one.told[name] for one in examples) / len(examples) for name in names}


def random_state() -> dict[str, Any]:
    """Return the state of torch's generators."""
    import torch

    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Set torch's generators to a state of `random_state`."""
    import torch

    torch.set_rng_state(state["cpu"].cpu())
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"].cpu())
