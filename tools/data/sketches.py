"""Sketch every row by MinHash, so that few pairs of rows have to be compared.

The 128 least hashes of a row's shingles are cut into bands, and rows that agree in a band are worth
a comparison. The bands are as long as they can be while 99.5 % of the pairs that are exactly as
alike as the threshold agree in one; of more similar pairs it is more. At a threshold of 0.8 these
are 21 bands of six hashes.

A row keeps 8 bytes a band, 168 at a threshold of 0.8, the lowest byte of each of its hashes, and 17
for its place, its number and its failed comparisons: about 330 bytes. Its text is read again where
it is compared.

Not covered: `MinHashLSH` of datasketch. Its dictionaries hold a list and a key for every row and
band; sorted arrays hold the same in 8 bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tools.data.conversation import Conversation, read_conversations
from tools.data.shingles import LENGTH, Shingles, compared_text, shingles_of
from tools.errors import DatasetError

if TYPE_CHECKING:
    import numpy as np

    Sketch = Callable[[str], tuple[np.ndarray, np.ndarray]]

_PERMUTATIONS = 128
_FOUND = 0.995
_MARGIN = 0.1
_LEAST_THRESHOLD = 0.5  # below it, half of all pairs would have to be compared
_AT_ONCE = 4096  # shingles; each takes 1 KiB while it is hashed
_REMEMBERED = 128  # rows, whose shingles take up to 2 MiB each
_CHARACTER_FACTOR, _BAND_FACTOR = 0x9E3779B1, 0x9E3779B97F4A7C15  # odd, so that no bit is lost


class Sketches:
    """The sketches of the rows of one or more datasets; a row's place is counted over all."""

    def __init__(self, sources: Sequence[Path], *, threshold: float, seed: int) -> None:
        self.numbers = array("Q")  # that the rows have in the files they came from
        self._sources = sources
        self._firsts: list[int] = []
        self._starts = array("Q")
        self._bands, self._marks = bytearray(), bytearray()
        self._width, sketch = sketcher(threshold, seed)
        for source in sources:
            self._firsts.append(len(self))
            for row, start in zip(read_conversations(source), _line_starts(source), strict=False):
                self.numbers.append(row.row)
                self._starts.append(start)
                bands, marks = sketch(compared_text(row))
                self._bands += bands.tobytes()
                self._marks += marks.tobytes()
        self.failures = bytearray(len(self))  # comparisons of each row that found no likeness
        self.shingles = lru_cache(_REMEMBERED)(self._shingles)

    def __len__(self) -> int:
        return len(self.numbers)

    def bands(self) -> Iterator[np.ndarray]:
        """Yield for every band what the rows have there, in an array by their places."""
        import numpy as np

        table = np.frombuffer(self._bands, np.uint64).reshape(len(self), self._width)
        yield from (np.ascontiguousarray(table[:, band]) for band in range(self._width))

    def promising(self, place: int, others: Sequence[int], threshold: float) -> list[int]:
        """Return those of `others` whose sketch does not rule out that they are near duplicates.

        Hashes that agree tell the similarity to 0.04 (one standard deviation) near 0.8.
        """
        if not others:
            return []
        import numpy as np

        marks = np.frombuffer(self._marks, np.uint8).reshape(len(self), _PERMUTATIONS)
        agreeing = (marks[others] == marks[place]).sum(axis=1)
        least = (threshold - _MARGIN) * _PERMUTATIONS
        return [other for other, count in zip(others, agreeing, strict=True) if count >= least]

    def _shingles(self, place: int) -> Shingles:
        """Return the shingles of the row at `place`, read once more."""
        index = max(n for n, first in enumerate(self._firsts) if first <= place)
        with self._sources[index].open("rb") as file:
            file.seek(self._starts[place])
            row = Conversation.model_validate_json(file.readline())
        return shingles_of(compared_text(row))


def sketcher(threshold: float, seed: int) -> tuple[int, Sketch]:
    """Return how many bands there are, and what makes of a text its bands and its marks.

    Raises:
        DatasetError: `threshold` is not from 0.5 to 1.
    """
    import numpy as np
    from datasketch import MinHash

    bands, length = _banding(threshold)
    # One for all texts: to draw the permutations takes longer than to sketch a row.
    sketch = MinHash(_PERMUTATIONS, seed=seed, hashfunc=int, scheme="affine32")
    powers = np.array([pow(_BAND_FACTOR, n, 2**64) for n in range(length)], np.uint64)

    def sketched(text: str) -> tuple[np.ndarray, np.ndarray]:
        sketch.clear()
        hashes = _hashes(text)
        for start in range(0, len(hashes), _AT_ONCE):
            sketch.update_batch(hashes[start : start + _AT_ONCE].tolist())
        table = sketch.hashvalues[: bands * length].reshape(bands, length).astype(np.uint64)
        return (table * powers).sum(axis=1), sketch.hashvalues.astype(np.uint8)

    return bands, sketched


def _banding(threshold: float) -> tuple[int, int]:
    """Return how many bands there are, and how many hashes are in each."""
    if not _LEAST_THRESHOLD <= threshold <= 1:
        raise DatasetError(
            f"A threshold of {threshold:g} cannot be used for near duplicates. Choose one from "
            f"{_LEAST_THRESHOLD} to 1."
        )
    lengths = range(_PERMUTATIONS, 0, -1)
    banding = ((_PERMUTATIONS // length, length) for length in lengths)
    return next(
        (bands, length)
        for bands, length in banding
        if 1 - (1 - threshold**length) ** bands >= _FOUND
    )


def _hashes(text: str) -> np.ndarray:
    """Return a 32-bit hash for every shingle of `text`, in rising order.

    They only choose what is compared, so two shingles with one hash do no harm.
    """
    import numpy as np

    padded = text.ljust(LENGTH, "\0") if text else ""
    points = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), np.uint32)
    count = max(len(points) - LENGTH + 1, 0)
    hashes = np.zeros(count, np.uint32)
    for offset in range(LENGTH):
        hashes = hashes * np.uint32(_CHARACTER_FACTOR) + points[offset : offset + count]
    return np.unique(hashes)


def _line_starts(source: Path) -> Iterator[int]:
    """Yield the place of every line of `source`, in bytes."""
    with source.open("rb") as lines:
        start = 0
        for line in lines:
            yield start
            start += len(line)
