"""The order of training rows: rows of like length share a batch, so that little is padding.

The order depends on the seed and the epoch alone. transformers' own sampler of this kind draws
from the global generator, and a run that is resumed within an epoch then sees other rows.
"""

import random
from collections.abc import Callable, Iterator, Sequence

from torch.utils.data import Sampler

_POOL = 20  # batches whose rows are sorted together; more sorts better and shuffles less


class ByLength(Sampler[int]):
    """Yields every row once an epoch, in shuffled batches of rows of like length."""

    def __init__(
        self, lengths: Sequence[int], batch: int, seed: int, epoch: Callable[[], float]
    ) -> None:
        self._lengths, self._batch, self._seed, self._epoch = lengths, batch, seed, epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        # A resumed run asks in the middle of an epoch; its share must not change the order.
        draw = random.Random(f"{self._seed}/{int(self._epoch() + 1e-6)}")
        rows = list(range(len(self._lengths)))
        draw.shuffle(rows)
        batches = []
        for first in range(0, len(rows), self._batch * _POOL):
            pool = sorted(rows[first : first + self._batch * _POOL], key=self._lengths.__getitem__)
            batches += [
                pool[start : start + self._batch] for start in range(0, len(pool), self._batch)
            ]
        # The batch that is not full stays last, or a later batch would be split in two.
        full = [batch for batch in batches if len(batch) == self._batch]
        rest = [batch for batch in batches if len(batch) < self._batch]
        draw.shuffle(full)
        for batch in [*full, *rest]:
            yield from batch
