"""Rules that watch a training, and what is done when one of them fires.

| rule | fires when | then |
|---|---|---|
| `not_a_number` | a loss or a gradient norm is not finite | go back, then stop |
| `loss_spike` | three losses in a row are twice the median of fifty before | go back, then stop |
| `gradient_norm` | three norms in a row above 100 | go back, then stop |
| `no_learning` | at half of the steps neither loss has fallen by 1 % | stop |

To go back is to load the last good checkpoint and go on at half the learning rate. It is done once
in a run; when a rule fires again, the run stops and says why.

The bound of 100 is that of Axolotl's notes on training stability; a healthy run stays below 10.

Not covered: steps that never end. `Stall` of `stall.py` watches for those from outside.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Literal

Rule = Literal["not_a_number", "loss_spike", "gradient_norm", "no_learning"]
Action = Literal["go_back", "stop"]

HIGHEST_NORM = 100.0
_IN_A_ROW = 3
_SPIKE_TIMES, _SPIKE_RISE, _SPIKE_WINDOW, _SPIKE_FROM = 2.0, 0.5, 50, 20
_LEARNED_SHARE, _LEARNING_STEPS = 0.01, 50


@dataclass(frozen=True)
class Alarm:
    """A rule that fired."""

    rule: Rule
    step: int
    reason: str


def watch_step(losses: Sequence[float], norms: Sequence[float]) -> Alarm | None:
    """Return the rule that the last step broke, if any.

    Args:
        losses: Of every step since the start or the last going back, in nats a token.
        norms: The norms of their gradients, before clipping.
    """
    step = len(losses)
    for name, value in (("loss", losses[-1]), ("gradient norm", norms[-1])):
        if not math.isfinite(value):
            return Alarm("not_a_number", step, f"The {name} is {value}.")
    if len(norms) >= _IN_A_ROW and min(norms[-_IN_A_ROW:]) > HIGHEST_NORM:
        return Alarm(
            "gradient_norm",
            step,
            f"The gradient norm was above {HIGHEST_NORM:g} for {_IN_A_ROW} steps in a row; it is "
            f"{norms[-1]:.0f}.",
        )
    return _spike(losses)


def _spike(losses: Sequence[float]) -> Alarm | None:
    before = losses[-_IN_A_ROW - _SPIKE_WINDOW : -_IN_A_ROW]
    if len(before) < _SPIKE_FROM:
        return None
    usual = median(before)
    if min(losses[-_IN_A_ROW:]) <= max(_SPIKE_TIMES * usual, usual + _SPIKE_RISE):
        return None
    reason = f"The loss was about {usual:.3f}, and rose to {losses[-1]:.3f} and stayed there."
    return Alarm("loss_spike", len(losses), reason)


def watch_learning(
    losses: Sequence[float], held_out: Sequence[float], *, steps: int
) -> Alarm | None:
    """Return `no_learning` when half of the steps have taught nothing.

    Args:
        losses: Of every step so far.
        held_out: The held-out losses so far; the first is from before the first step.
        steps: Of the whole run.
    """
    done = len(losses)
    if done < max(_LEARNING_STEPS, steps // 2) or len(held_out) < 2:
        return None
    quarter = done // 4
    fell = _fell(fmean(losses[:quarter]), fmean(losses[-quarter:]))
    if fell or _fell(held_out[0], min(held_out[1:])):
        return None
    return Alarm(
        "no_learning",
        done,
        f"After {done} of {steps} steps the loss is {fmean(losses[-quarter:]):.3f} and the "
        f"held-out loss {held_out[-1]:.3f}: neither has fallen by 1 %.",
    )


def _fell(before: float, now: float) -> bool:
    return now < before - _LEARNED_SHARE * abs(before)
