"""Split a dataset into rows to train on, rows to watch while training, and rows held out.

Rows with equal prompts go to the same side, so that no held-out question was trained on. Prompts
are equal when they match after Unicode normalisation, case folding and collapsing of white space.

Not covered: paraphrased prompts; two wordings of one question may land on different sides.
"""

import random
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.conversation_text import prompt_key
from tools.data.enough_rows import MINIMUM_ROWS
from tools.errors import DatasetError

_VALIDATION_FRACTION = 0.05


class SplitReport(BaseModel):
    """What `split_dataset` made."""

    model_config = ConfigDict(frozen=True)

    train: str = Field(description="Name of the dataset to train on.")
    validation: str = Field(description="Name of the dataset to watch while training.")
    heldout: str = Field(description="Name of the dataset to compare the models on.")
    train_rows: int
    validation_rows: int
    heldout_rows: int
    groups: int = Field(description="Distinct prompts; rows with the same one stay together.")


def split_dataset(
    source: Path,
    target_dir: Path,
    *,
    heldout_fraction: float = 0.15,
    seed: int = 42,
) -> SplitReport:
    """Write `source` as three new dataset versions to `target_dir`, in the order of the source.

    Raises:
        DatasetError: `source` is missing, malformed, or has too few rows or distinct prompts, or
            the fraction leaves nothing to train on.
    """
    if not 0 < heldout_fraction < 1 - _VALIDATION_FRACTION:
        raise DatasetError(
            f"The fraction to hold out must be above 0 and below {1 - _VALIDATION_FRACTION}, "
            f"not {heldout_fraction}."
        )
    rows = list(read_conversations(source))
    groups = _groups(source, rows)
    random.Random(seed).shuffle(groups)
    heldout, rest = _take(groups, heldout_fraction * len(rows), leave=2)
    validation, rest = _take(rest, _VALIDATION_FRACTION * len(rows), leave=1)
    train = {place for group in rest for place in group}
    paths = [
        write_version(
            target_dir,
            f"{label_of(source)}-{name}",
            [row for place, row in enumerate(rows) if place in part],
        )
        for name, part in (("train", train), ("validation", validation), ("heldout", heldout))
    ]
    return SplitReport(
        train=paths[0].stem,
        validation=paths[1].stem,
        heldout=paths[2].stem,
        train_rows=len(train),
        validation_rows=len(validation),
        heldout_rows=len(heldout),
        groups=len(groups),
    )


def _groups(source: Path, rows: list[Conversation]) -> list[list[int]]:
    """Return the places of the rows, those with equal prompts together."""
    if len(rows) < MINIMUM_ROWS:
        raise DatasetError(
            f"Dataset {source.stem!r} has {len(rows)} rows, {MINIMUM_ROWS} are needed to split it. "
            "Add more examples."
        )
    groups: dict[object, list[int]] = {}
    for place, row in enumerate(rows):
        groups.setdefault(prompt_key(row), []).append(place)
    if len(groups) < 3:
        raise DatasetError(
            f"Dataset {source.stem!r} has {len(groups)} distinct prompts, 3 are needed to split "
            "it, because rows with the same prompt stay together. Add other questions."
        )
    return list(groups.values())


def _take(
    groups: list[list[int]], rows_wanted: float, *, leave: int
) -> tuple[set[int], list[list[int]]]:
    """Return the rows of some groups, as many as wanted where the groups allow, and the rest.

    At least one group is taken and at least `leave` groups are left.
    """
    taken: set[int] = set()
    left: list[list[int]] = []
    for number, group in enumerate(groups, start=1):
        can_spare = len(left) + len(groups) - number >= leave
        if can_spare and len(taken) + len(group) <= max(1, round(rows_wanted)):
            taken.update(group)
        else:
            left.append(group)
    if not taken:
        smallest = min(left, key=len)
        left.remove(smallest)
        taken.update(smallest)
    return taken, left
