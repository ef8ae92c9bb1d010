"""Split a dataset into rows to train on, rows to watch while training, and rows held out.

Rows that would give each other away are of one group and go to one side: those with equal prompts,
of one source document, of one conversation, and near duplicates. Every group has a number from 0 to
1, a hash of its words, and the number alone decides: the lowest are held out, the next are
watched, the others are trained on. So no seed moves them. `split_groups` says what joins rows, and
how a group gets its number; a dataset of single prompts has a group for each of them.

Held out are the numbers below 0.15, but at least the 21 lowest, and at most a third of the groups.
For a model that was trained on an earlier state of the same data this means:

* While 21 groups lie below 0.15 (200 groups are about enough), rows may come and go: what is held
  out now was not trained on then.
* With fewer, from 63 groups on, the same holds when rows were added. When rows were removed the
  border rises, first into the groups that were watched, which are 0.05 wide.
* A group may change its side when it gets more than ten rows with one prompt or a tenth of all
  rows, when rows that held it together are removed, when its conversation gets its second row, and
  when what is read from the text begins or ceases to join groups.

Where the answers are labels, 20 at most and each in three groups or more, every label is held out
in proportion. Its lowest numbers are taken, so the border of a label lies a little below or above
that of all. What is below 0.15 and not held out is watched, not trained on; above 0.2 something is
held out only where a label has too few groups below.

If near duplicates are too many to be kept together, `leaking_rows` says how many of the held-out
rows have one on another side.

A million rows take about 500 MB; their texts are read again and never held together.

Not covered: paraphrased prompts that share few words; two wordings of one question may land on
different sides.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.counted import counted
from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.enough_rows import MINIMUM_PROMPTS, MINIMUM_ROWS
from tools.data.split_groups import Groups, Keys, group_rows, read_keys
from tools.errors import DatasetError

if TYPE_CHECKING:
    import numpy as np

_HELDOUT, _WATCHED = 0.15, 0.05
_LEAST_HELDOUT = MINIMUM_PROMPTS + 1  # one may be too long for the model
_LEAST_GROUPS = 6  # a third of them is two, and answers to one question cannot be told apart
_LEAST_OF_A_LABEL = 3  # groups, one for each side
_SIDES = ("train", "validation", "heldout")

JoinedBy = Literal["group", "beginning", "near_duplicate"]


class SplitReport(BaseModel):
    """What `split_dataset` made."""

    model_config = ConfigDict(frozen=True)

    train: str = Field(description="Name of the dataset to train on.")
    validation: str = Field(description="Name of the dataset to watch while training.")
    heldout: str = Field(description="Name of the dataset to compare the models on.")
    train_rows: int
    validation_rows: int
    heldout_rows: int
    prompts: int = Field(description="Distinct prompts; rows with the same one stay together.")
    heldout_prompts: int = Field(description="Distinct prompts of the held-out rows.")
    groups: int = Field(default=0, description="Groups of rows that stay together.")
    heldout_groups: int = Field(default=0, description="Groups of the held-out rows.")
    joined: dict[JoinedBy, int] = Field(
        default_factory=dict,
        description="Groups that became part of another, by what their rows share.",
    )
    near_duplicates_joined: bool = Field(
        default=False, description="Whether near duplicates were kept on one side."
    )
    leaking_rows: int = Field(
        default=0, description="Held-out rows with a near duplicate on another side."
    )
    labels: int = Field(
        default=0, description="Distinct answers held out in proportion; 0 if they are no labels."
    )


def split_dataset(source: Path, target_dir: Path) -> SplitReport:
    """Write `source` as three new dataset versions to `target_dir`, in the order of the source.

    Raises:
        DatasetError: `source` is missing, malformed, or has too few rows or distinct prompts.
    """
    keys = read_keys(source)
    _refuse_too_few(source, len(keys.prompts), "row", MINIMUM_ROWS)
    _refuse_too_few(source, keys.prompt_count, "distinct prompt", _LEAST_GROUPS)
    groups = group_rows(source, keys, least=_LEAST_GROUPS, enough=3 * _LEAST_HELDOUT)
    _refuse_too_few(source, len(groups.numbers), "group", _LEAST_GROUPS)
    labels = _labels(groups, keys)
    sides = _sides(groups, labels)
    of_row = sides[groups.of_row]

    def write(side: int) -> str:
        rows = zip(read_conversations(source), of_row, strict=True)
        chosen: Iterator[Conversation] = (row for row, its_side in rows if its_side == side)
        return write_version(target_dir, f"{label_of(source)}-{_SIDES[side]}", chosen).stem

    return SplitReport(
        heldout=write(2),
        validation=write(1),
        train=write(0),
        train_rows=int((of_row == 0).sum()),
        validation_rows=int((of_row == 1).sum()),
        heldout_rows=int((of_row == 2).sum()),
        prompts=keys.prompt_count,
        heldout_prompts=len(set(keys.prompts[of_row == 2].tolist())),
        groups=len(sides),
        heldout_groups=int((sides == 2).sum()),
        joined={key: count for key, count in groups.joined.items() if count},
        near_duplicates_joined=groups.near_joined,
        leaking_rows=_leaking_rows(groups, of_row),
        labels=0 if labels is None else int(labels.max()) + 1,
    )


def _refuse_too_few(source: Path, count: int, what: str, least: int) -> None:
    if count >= least:
        return
    reason, remedy = {
        "row": ("", "Add more examples."),
        "distinct prompt": (
            ", because rows with the same prompt stay together",
            "Add other questions.",
        ),
        "group": (
            ", because rows with the same prompt or of the same group stay together",
            "Add rows of other groups, or import the dataset without its groups.",
        ),
    }[what]
    raise DatasetError(
        f"Dataset {source.stem!r} has {counted(count, what)}, {least} are needed to split "
        f"it{reason}. {remedy}"
    )


def _sides(groups: Groups, labels: np.ndarray | None) -> np.ndarray:
    """Return the side of every group as an index of `_SIDES`."""
    import numpy as np

    numbers = groups.numbers
    most = len(numbers) // 3
    count = _taken(numbers, below=_HELDOUT, least=_LEAST_HELDOUT, most=most)
    border = max(_HELDOUT, numbers[count - 1]) + _WATCHED
    sides = np.zeros(len(numbers), np.uint8)
    if labels is None:
        sides[:count] = 2
    else:
        for label, share in enumerate(_shares(np.bincount(labels), count)):
            sides[np.flatnonzero(labels == label)[:share]] = 2
    others = np.flatnonzero(sides == 0)
    sides[others[: _taken(numbers[others], below=border, least=1, most=most)]] = 1
    return sides


def _taken(numbers: np.ndarray, *, below: float, least: int, most: int) -> int:
    """Return how many of the rising `numbers` are taken from the front."""
    return min(most, max(least, int((numbers < below).sum())))


def _labels(groups: Groups, keys: Keys) -> np.ndarray | None:
    """Return the label of every group, the rarest that its rows have; None if there are none."""
    import numpy as np

    if keys.answers is None:
        return None
    _, label, often = np.unique(keys.answers, return_inverse=True, return_counts=True)
    order = np.argsort(often, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    labels = np.full(len(groups.numbers), len(order))
    np.minimum.at(labels, groups.of_row, rank[label])
    enough = (np.bincount(labels, minlength=len(order)) >= _LEAST_OF_A_LABEL).all()
    return labels if enough else None


def _shares(sizes: np.ndarray, count: int) -> list[int]:
    """Return how many groups of each label are held out: `count` dealt by its size, at least 1."""
    import numpy as np

    exact = sizes * count / sizes.sum()
    shares = np.floor(exact).astype(int)
    largest_rest = np.argsort(shares - exact, kind="stable")
    shares[largest_rest[: count - shares.sum()]] += 1
    return [max(1, int(share)) for share in shares]


def _leaking_rows(groups: Groups, of_row: np.ndarray) -> int:
    """Return how many held-out rows are in a cluster that has rows on another side."""
    import numpy as np

    roots = groups.near.roots()
    elsewhere = np.zeros(len(roots), bool)
    elsewhere[roots[of_row != 2]] = True
    return int(elsewhere[roots[of_row == 2]].sum())
