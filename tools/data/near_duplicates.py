"""Find rows that are nearly the same, in one dataset or across two, and leave them out.

Two rows are near duplicates when the Jaccard similarity of their shingles is at least the
threshold, 0.8 unless another is given; `shingles` says what is compared. MinHash chooses the pairs,
and each of them is compared for certain, so no pair is reported that is below the threshold. Pairs
that share a row are one cluster.

Rows made from one template ("order 1234", "order 5678") are near duplicates too, and often wanted.
So they are reported, and a split keeps them on one side; nothing but `remove_near_duplicates` takes
them out. So that many rows of one template take no time without end, rows that agree in a band are
compared with the 16 before them and with 16 that are unlike each other, and a row that failed 16
comparisons is compared no more: of such rows, some pairs are missed.

A row takes about 330 bytes of memory.

Not covered: paraphrases that share few words.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.clusters import Clusters, runs
from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.enough_rows import REPEATED, refuse_too_few
from tools.data.shingles import jaccard
from tools.data.sketches import Sketches

THRESHOLD = 0.8
SEED = 1
_LISTED_PAIRS = 200
_LISTED_REMOVED = 50
_COMPARED_WITH = 16
_MOST_FAILURES = 16


class NearPair(BaseModel):
    """Two rows that are nearly the same."""

    model_config = ConfigDict(frozen=True)

    row: int = Field(description="Of the training data, where two datasets were compared.")
    twin: int = Field(description="Of the held-out data, where two datasets were compared.")
    jaccard: float = Field(description="Share of their shingles that both have, from 0 to 1.")


class NearDuplicateReport(BaseModel):
    """The near duplicates inside a dataset."""

    model_config = ConfigDict(frozen=True)

    rows_read: int
    threshold: float = Field(description="The least similarity that counts.")
    clusters: int = Field(description="Clusters of two rows or more.")
    rows_in_clusters: int
    pairs: tuple[NearPair, ...] = Field(
        description="The first 200 by their rows; each joins two rows that no other pair joins."
    )


class NearLeakReport(BaseModel):
    """The held-out rows that nearly stand in the training data."""

    model_config = ConfigDict(frozen=True)

    train_rows: int
    heldout_rows: int
    threshold: float = Field(description="The least similarity that counts.")
    leaking_rows: int = Field(description="Held-out rows with a near duplicate to train on.")
    pairs: tuple[NearPair, ...] = Field(description="One for each leaking row, the first 200.")


class NearRemoveReport(BaseModel):
    """What `remove_near_duplicates` did."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the new dataset version.")
    threshold: float = Field(description="The least similarity that counts.")
    rows_read: int = Field(description="Rows of the source, the near duplicates included.")
    rows_kept: int = Field(description="Rows of the new dataset version.")
    removed: tuple[tuple[int, int], ...] = Field(
        description="The first 50 rows left out, each with the row that stays for its cluster."
    )


def find_near_duplicates(
    source: Path, *, threshold: float = THRESHOLD, seed: int = SEED, repeats: bytes = b""
) -> NearDuplicateReport:
    """Find the near duplicates in `source`.

    Args:
        source: A dataset version.
        threshold: The least similarity that counts.
        seed: Of the permutations.
        repeats: For every row 1 if it is an exact repeat, which is then passed over; where nothing
            is given, rows that are equal are near duplicates, too.

    Raises:
        DatasetError: `source` is missing or malformed, or `threshold` is not from 0.5 to 1.
    """
    sketches = Sketches((source,), threshold=threshold, seed=seed)
    clusters, pairs = near_clusters(sketches, threshold, repeats=repeats)
    places = [place for place in range(len(clusters)) if clusters.root(place) != place]
    roots = {clusters.root(place) for place in places}
    return NearDuplicateReport(
        rows_read=len(sketches),
        threshold=threshold,
        clusters=len(roots),
        rows_in_clusters=len(roots) + len(places),
        pairs=_listed(sketches, pairs),
    )


def find_near_duplicates_across(
    train: Path, heldout: Path, *, threshold: float = THRESHOLD, seed: int = SEED
) -> NearLeakReport:
    """Find the rows of `heldout` that have a near duplicate in `train`.

    Raises:
        DatasetError: A dataset is missing or malformed, or `threshold` is not from 0.5 to 1.
    """
    sketches = Sketches((train, heldout), threshold=threshold, seed=seed)
    border = sum(1 for _ in read_conversations(train))
    twins: dict[int, tuple[int, float]] = {}
    for band in sketches.bands():
        for places in runs(band):
            trained = [int(place) for place in places if place < border][:_COMPARED_WITH]
            for place in (int(place) for place in places if place >= border):
                found = [] if place in twins else _alike(sketches, place, trained, threshold)
                twins.update((place, twin) for twin in islice(found, 1))
    pairs = [(twin, place, share) for place, (twin, share) in twins.items()]
    return NearLeakReport(
        train_rows=border,
        heldout_rows=len(sketches) - border,
        threshold=threshold,
        leaking_rows=len(twins),
        pairs=_listed(sketches, pairs),
    )


def remove_near_duplicates(
    source: Path, target_dir: Path, *, threshold: float = THRESHOLD, seed: int = SEED
) -> NearRemoveReport:
    """Write the first row of every cluster of `source`, in order, as a new version.

    Raises:
        DatasetError: `source` is missing or malformed, `threshold` is not from 0.5 to 1, or fewer
            than 20 rows would be left.
    """
    sketches = Sketches((source,), threshold=threshold, seed=seed)
    clusters, _ = near_clusters(sketches, threshold)
    numbers = sketches.numbers
    dropped = [place for place in range(len(clusters)) if clusters.root(place) != place]
    rows_kept = len(clusters) - len(dropped)
    refuse_too_few(rows_kept, {REPEATED: [numbers[place] for place in dropped]})

    def kept() -> Iterator[Conversation]:
        for place, row in enumerate(read_conversations(source)):
            if clusters.root(place) == place:
                yield row

    return NearRemoveReport(
        dataset=write_version(target_dir, label_of(source), kept()).stem,
        threshold=threshold,
        rows_read=len(clusters),
        rows_kept=rows_kept,
        removed=tuple(
            (numbers[place], numbers[clusters.root(place)]) for place in dropped[:_LISTED_REMOVED]
        ),
    )


def near_clusters(
    sketches: Sketches, threshold: float, *, repeats: bytes = b""
) -> tuple[Clusters, list[tuple[int, int, float]]]:
    """Return the clusters of near duplicates, and the pairs of places that made them.

    Places where `repeats` has a 1 are passed over.
    """
    clusters = Clusters(len(sketches))
    pairs: list[tuple[int, int, float]] = []
    for band in sketches.bands():
        for places in runs(band):
            compared = [place for place in places.tolist() if not repeats or not repeats[place]]
            pairs += _join_run(sketches, clusters, compared, threshold)
    return clusters, pairs


def _join_run(
    sketches: Sketches, clusters: Clusters, places: list[int], threshold: float
) -> Iterator[tuple[int, int, float]]:
    """Join the near duplicates of `places`, and yield the pairs that made two clusters one."""
    unlike: list[int] = []
    for index, place in enumerate(places):
        near = places[max(index - _COMPARED_WITH, 0) : index]
        root = clusters.root(place)
        others = [one for one in dict.fromkeys(unlike + near) if clusters.root(one) != root]
        for other, share in _alike(sketches, place, others, threshold):
            if clusters.join(other, place):
                yield other, place, share
        if len(unlike) < _COMPARED_WITH and clusters.root(place) == place:
            unlike.append(place)


def _alike(
    sketches: Sketches, place: int, others: list[int], threshold: float
) -> Iterator[tuple[int, float]]:
    """Yield those of `others` that are near duplicates of the row at `place`."""
    for other in sketches.promising(place, others, threshold):
        if sketches.failures[place] >= _MOST_FAILURES:
            return
        share = jaccard(sketches.shingles(other), sketches.shingles(place))
        if share >= threshold:
            yield other, share
        else:
            sketches.failures[place] += 1


def _listed(sketches: Sketches, pairs: list[tuple[int, int, float]]) -> tuple[NearPair, ...]:
    numbers = sketches.numbers
    return tuple(
        NearPair(row=numbers[one], twin=numbers[other], jaccard=round(share, 3))
        for one, other, share in sorted(pairs)[:_LISTED_PAIRS]
    )
