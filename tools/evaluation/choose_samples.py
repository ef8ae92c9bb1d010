"""Choose the rows a report shows, so that they say what the numbers say.

Won, tied and lost rows are shown in proportion to how many there are; each kind that exists is
shown at least once. Which rows of a kind are shown is drawn with the seed, not picked.
"""

import random
from collections.abc import Sequence

from tools.evaluation.answer import AnsweredRow
from tools.evaluation.verdict import Sample

_ROWS_SHOWN = 10


def choose_samples(
    rows: Sequence[AnsweredRow],
    *,
    base: Sequence[float],
    tuned: Sequence[float],
    seed: int = 42,
) -> tuple[Sample, ...]:
    """Return up to ten rows in their order; none of plain text, which has no answers.

    Args:
        rows: The held-out rows with the answers of `base` and `tuned`.
        base: The score of each row's base answer on the primary metric, higher being better.
        tuned: The score of each row's tuned answer.
        seed: Draws the rows within their kind.
    """
    if not rows or not rows[0].answers:
        return ()
    scores = list(enumerate(zip(base, tuned, strict=True)))
    won = [index for index, (old, new) in scores if new > old]
    tied = [index for index, (old, new) in scores if new == old]
    lost = [index for index, (old, new) in scores if new < old]
    kinds = (won, tied, lost)
    draw = random.Random(seed)
    chosen: list[int] = []
    for kind, share in zip(kinds, _shares([len(kind) for kind in kinds]), strict=True):
        chosen += draw.sample(kind, share)
    return tuple(_sample(rows[index]) for index in sorted(chosen))


def _shares(sizes: list[int]) -> list[int]:
    """Return how many of each kind to show: at least one, then the kind most behind its share."""
    shares = [min(size, 1) for size in sizes]
    while sum(shares) < min(_ROWS_SHOWN, sum(sizes)):
        behind = [
            size / sum(sizes) - share / _ROWS_SHOWN
            for size, share in zip(sizes, shares, strict=True)
        ]
        open_kinds = [kind for kind in range(len(sizes)) if shares[kind] < sizes[kind]]
        shares[max(open_kinds, key=lambda kind: behind[kind])] += 1
    return shares


def _sample(row: AnsweredRow) -> Sample:
    return Sample(
        row=row.row,
        prompt=row.prompt,
        reference=row.reference,
        base=row.answers["base"],
        tuned=row.answers["tuned"],
    )
