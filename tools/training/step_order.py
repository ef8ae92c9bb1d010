"""Which rows each optimiser step learns from.

A step is a set of rows, and its loss is the mean over all their tokens. How a step is cut into
parts that fit the memory (`cut_step`) changes nothing but speed, so a run that meets the end of
the memory goes on with smaller parts and the same steps.

The order depends on the seed and the epoch alone: a run that is resumed sees the rows it would
have seen.
"""

import random
from collections.abc import Sequence

_POOL = 20  # steps whose rows are sorted together; more sorts better and shuffles less


class StepOrder:
    """The rows of every step of a training."""

    def __init__(
        self, lengths: Sequence[int], rows_per_step: int, seed: int, *, by_length: bool = False
    ) -> None:
        """Keep what the order depends on.

        Args:
            lengths: Tokens of each row.
            rows_per_step: The last step of an epoch may have fewer.
            seed: Of the shuffling.
            by_length: Whether rows of like length share a step, so that little is padding.
        """
        self._lengths, self._rows_per_step, self._seed = lengths, rows_per_step, seed
        self._by_length = by_length
        self._epoch = -1
        self._steps: Sequence[tuple[int, ...]] = ()

    @property
    def steps_per_epoch(self) -> int:
        """How many steps see every row once."""
        return -(-len(self._lengths) // self._rows_per_step)

    def rows_of(self, step: int) -> tuple[int, ...]:
        """Return the rows of a step, counted from 0 over all epochs."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._steps = epoch, self._steps_of(epoch)
        return self._steps[place]

    def _steps_of(self, epoch: int) -> Sequence[tuple[int, ...]]:
        draw, size = random.Random(f"{self._seed}/{epoch}"), self._rows_per_step
        rows = list(range(len(self._lengths)))
        draw.shuffle(rows)
        if not self._by_length:
            return _chunks(rows, size)
        steps: list[tuple[int, ...]] = []
        for pool in _chunks(rows, size * _POOL):
            steps += _chunks(sorted(pool, key=self._lengths.__getitem__), size)
        # The step that is not full stays last, as it does without sorting.
        full = [step for step in steps if len(step) == size]
        draw.shuffle(full)
        return [*full, *(step for step in steps if len(step) < size)]


def _chunks(rows: Sequence[int], size: int) -> list[tuple[int, ...]]:
    return [tuple(rows[start : start + size]) for start in range(0, len(rows), size)]


def cut_step(lengths: Sequence[int], most_tokens: int, *, padded: bool = False) -> list[list[int]]:
    """Return the places of `lengths` in as few parts as first-fit decreasing finds.

    Args:
        lengths: Tokens of the step's rows.
        most_tokens: Of a part. A longer row has a part of its own.
        padded: Whether every row of a part takes as much as its longest.
    """
    parts: list[list[int]] = []
    room: list[int] = []
    for place in sorted(range(len(lengths)), key=lambda one: (-lengths[one], one)):
        # The longest row of a part comes first.
        costs = (lengths[part[0]] if padded else lengths[place] for part in parts)
        fits = next((at for at, cost in enumerate(costs) if room[at] >= cost), None)
        if fits is None:
            parts.append([])
            room.append(most_tokens)
            fits = len(parts) - 1
        parts[fits].append(place)
        room[fits] -= lengths[parts[fits][0]] if padded else lengths[place]
    return parts
