"""Join places into clusters: what is joined to the same place is in one cluster.

Every place costs 8 bytes. A cluster is named by the lowest of its places.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class Clusters:
    """The places from 0 to `count` - 1, each a cluster of its own at first."""

    def __init__(self, count: int) -> None:
        self._above = array("q", range(count))

    def __len__(self) -> int:
        return len(self._above)

    def copy(self) -> Clusters:
        """Return clusters that can be joined further without a change to these."""
        other = Clusters(0)
        other._above = self._above[:]
        return other

    def root(self, place: int) -> int:
        """Return the lowest place of the cluster that `place` is in."""
        above = self._above
        while above[place] != place:
            above[place] = above[above[place]]
            place = above[place]
        return place

    def join(self, one: int, other: int) -> bool:
        """Make one cluster of those of two places; return whether they were two."""
        low, high = sorted((self.root(one), self.root(other)))
        self._above[high] = low
        return low != high

    def join_equal(self, keys: np.ndarray) -> int:
        """Join places with equal keys, 0 excepted; return how many clusters there are fewer."""
        return sum(self.join(int(run[0]), int(place)) for run in runs(keys) for place in run[1:])

    def roots(self) -> np.ndarray:
        """Return the root of every place."""
        import numpy as np

        count = len(self._above)
        return np.fromiter((self.root(place) for place in range(count)), np.int64, count)


def runs(keys: np.ndarray) -> list[np.ndarray]:
    """Return the places of every key that stands more than once, 0 excepted, in rising order."""
    import numpy as np

    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    borders = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    starts = np.concatenate(([0], borders))
    ends = np.concatenate((borders, [len(keys)]))
    several = (ends - starts > 1) & (ordered[starts] != 0) if len(keys) else np.zeros(1, bool)
    return [order[a:b] for a, b in zip(starts[several], ends[several], strict=True)]
