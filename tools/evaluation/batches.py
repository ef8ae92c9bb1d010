"""Put rows of tokens into padded batches of similar length, and time them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tools.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor


class Clock:
    """Turns finished batches into a share done and the time left."""

    def __init__(self, batches: int, progress: Progress) -> None:
        self._batches = batches
        self._progress = progress
        self._done = 0
        self._start = time.monotonic()
        self.check()

    def check(self) -> None:
        """Stop here if asked to."""
        self._progress.check()

    def tick(self) -> None:
        """Count one finished batch, report it, and stop here if asked to."""
        self._done += 1
        seconds = (time.monotonic() - self._start) / self._done * (self._batches - self._done)
        self._progress.percent(100 * self._done / self._batches, seconds)
        self.check()


def batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Return the indices of `lengths` in batches of similar length.

    The longest come first, so that memory that does not suffice is noticed at once.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    return [order[first : first + batch_size] for first in range(0, len(order), batch_size)]


def padded(rows: Sequence[list[int]], pad: int, *, left: bool) -> tuple[Tensor, Tensor]:
    """Return the rows as one tensor of tokens and one that is 1 where a token is not padding."""
    import torch

    width = max(len(row) for row in rows)
    ids = torch.full((len(rows), width), pad)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for place, row in enumerate(rows):
        where = slice(width - len(row), None) if left else slice(len(row))
        ids[place, where] = torch.tensor(row)
        mask[place, where] = 1
    return ids, mask
