"""Work out where the lines of the report's two pictures go. The template draws them.

Everything is in the units of the picture, with the origin at the top left. Not covered: markup.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.evaluation.compare import Comparison
from tools.training.loss_point import LossPoint

_WIDTH, _HEIGHT = 600, 270
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 46
_MOST_POINTS = 400  # of a line that is about 540 units wide


@dataclass(frozen=True)
class Tick:
    """A number on an axis and where it stands."""

    at: float
    label: str


@dataclass(frozen=True)
class LossCurve:
    """Both losses over the steps. A line is a list of `x,y` pairs for an SVG polyline."""

    train: tuple[tuple[float, float], ...]
    validation: tuple[tuple[float, float], ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    right: int = _WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = _HEIGHT - _BOTTOM


@dataclass(frozen=True)
class IntervalPicture:
    """A difference and its interval in percent of the width; zero at 50, better to the right."""

    low: float
    middle: float
    high: float


def plot_losses(points: Sequence[LossPoint]) -> LossCurve | None:
    """Return the curve, or None when no loss was recorded."""
    train = _thinned([(point.step, point.loss) for point in points if point.loss is not None])
    validation = _thinned(
        [(point.step, point.eval_loss) for point in points if point.eval_loss is not None]
    )
    if not train:
        return None
    last = max(step for step, _ in [*train, *validation])
    losses = _ticks(*_span(loss for _, loss in [*train, *validation]))

    def x(step: float) -> float:
        return _scale(step, (0, max(last, 1)), start=_LEFT, end=_WIDTH - _RIGHT)

    def y(loss: float) -> float:
        return _scale(loss, losses, start=_HEIGHT - _BOTTOM, end=_TOP)

    return LossCurve(
        train=tuple((x(step), y(loss)) for step, loss in train),
        validation=tuple((x(step), y(loss)) for step, loss in validation),
        x_ticks=tuple(
            Tick(x(step), f"{step:g}") for step in _ticks(0, last) if step <= last and step % 1 == 0
        ),
        y_ticks=tuple(Tick(y(loss), f"{loss:g}") for loss in losses),
    )


def plot_interval(comparison: Comparison) -> IntervalPicture:
    """Return the picture of a comparison. What is better lies to the right on every metric."""
    sign = 1 if comparison.higher_is_better else -1
    ends = sorted((sign * comparison.low, sign * comparison.high))
    reach = max(abs(ends[0]), abs(ends[1]), 1e-9) * 1.15

    def place(value: float) -> float:
        return round(50 + 50 * value / reach, 2)

    return IntervalPicture(place(ends[0]), place(sign * comparison.difference), place(ends[1]))


def _span(values: Iterable[float]) -> tuple[float, float]:
    """Return the lowest and highest value; from zero where that costs little room."""
    found = list(values)
    low, high = min(found), max(found)
    return (0.0 if 0 < low < high / 2 else low), high


def _ticks(low: float, high: float) -> tuple[float, ...]:
    """Return four to seven round numbers that enclose `low` and `high`."""
    width = (high - low) or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(width / 5))
    step = next(power * factor for factor in (1, 2, 5, 10) if width / (power * factor) <= 5)
    first, last = math.floor(low / step), math.ceil(high / step)
    return tuple(round(number * step, 12) for number in range(first, max(last, first + 1) + 1))


def _scale(value: float, ticks: Sequence[float], *, start: float, end: float) -> float:
    """Return where `value` stands between `start` and `end`, the places of the outer ticks."""
    share = (value - ticks[0]) / (ticks[-1] - ticks[0])
    return round(start + share * (end - start), 1)


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Return at most `_MOST_POINTS` of the points, and always the last."""
    every = math.ceil(len(points) / _MOST_POINTS) or 1
    return points[::-every][::-1]
