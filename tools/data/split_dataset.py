"""Split a dataset into rows to train on, rows to watch while training, and rows held out.

Every prompt has a number from 0 to 1, a hash of its words, and the number alone decides: the lowest
are held out, the next are watched, the others are trained on. So rows with equal prompts go to one
side, and no seed moves them. Prompts are equal when they match after Unicode normalisation, case
folding and collapsing of white space.

Held out are the numbers below 0.15, but at least the 21 lowest, and at most a third of the prompts.
For a model that was trained on an earlier state of the same data this means:

* While 21 prompts lie below 0.15 (200 prompts are about enough), rows may come and go: what is held
  out now was not trained on then.
* With fewer, from 63 prompts on, the same holds when rows were added. When rows were removed the
  border rises, first into the prompts that were watched, which are 0.05 wide.
* A prompt of more than ten rows counts as higher than all others, because held out it would prove
  no more than a single row. With fewer rows or more, it may change its side.

Not covered: paraphrased prompts; two wordings of one question may land on different sides.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.conversation_text import prompt_key
from tools.data.enough_rows import MINIMUM_PROMPTS, MINIMUM_ROWS
from tools.errors import DatasetError

# Another salt deals all prompts anew, and no champion of before can be compared with.
_SALT = "crewtune split 1"
_HELDOUT, _WATCHED = 0.15, 0.05
_LEAST_HELDOUT = MINIMUM_PROMPTS + 1  # one may be too long for the model
_MOST_ROWS_OF_A_PROMPT = 10
_LEAST_PROMPTS = 6  # a third of them is two, and answers to one question cannot be told apart


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


class _Prompt(NamedTuple):
    number: float
    places: list[int]  # of its rows in the source


def split_dataset(source: Path, target_dir: Path) -> SplitReport:
    """Write `source` as three new dataset versions to `target_dir`, in the order of the source.

    Raises:
        DatasetError: `source` is missing, malformed, or has too few rows or distinct prompts.
    """
    rows = list(read_conversations(source))
    prompts = _prompts(source, rows)
    most = len(prompts) // 3
    heldout = _taken(prompts, below=_HELDOUT, least=_LEAST_HELDOUT, most=most)
    border = max(_HELDOUT, prompts[heldout - 1].number) + _WATCHED
    watched = heldout + _taken(prompts[heldout:], below=border, least=1, most=most)

    def write(name: str, part: Sequence[_Prompt]) -> tuple[str, int]:
        places = sorted(place for prompt in part for place in prompt.places)
        label = f"{label_of(source)}-{name}"
        return write_version(target_dir, label, [rows[n] for n in places]).stem, len(places)

    heldout_name, heldout_rows = write("heldout", prompts[:heldout])
    validation_name, validation_rows = write("validation", prompts[heldout:watched])
    train_name, train_rows = write("train", prompts[watched:])
    return SplitReport(
        train=train_name,
        validation=validation_name,
        heldout=heldout_name,
        train_rows=train_rows,
        validation_rows=validation_rows,
        heldout_rows=heldout_rows,
        prompts=len(prompts),
        heldout_prompts=heldout,
    )


def _prompts(source: Path, rows: Sequence[Conversation]) -> list[_Prompt]:
    """Return the distinct prompts by their numbers; those of many rows after all others."""
    if len(rows) < MINIMUM_ROWS:
        raise DatasetError(
            f"Dataset {source.stem!r} has {len(rows)} rows, {MINIMUM_ROWS} are needed to split it. "
            "Add more examples."
        )
    places: dict[object, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(prompt_key(row), []).append(place)
    if len(places) < _LEAST_PROMPTS:
        raise DatasetError(
            f"Dataset {source.stem!r} has {len(places)} distinct prompts, {_LEAST_PROMPTS} are "
            "needed to split it, because rows with the same prompt stay together. Add other "
            "questions."
        )
    return sorted(
        _Prompt(_number(key) + (len(found) > _MOST_ROWS_OF_A_PROMPT), found)
        for key, found in places.items()
    )


def _number(key: object) -> float:
    digest = hashlib.sha256(json.dumps([_SALT, key]).encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def _taken(prompts: Sequence[_Prompt], *, below: float, least: int, most: int) -> int:
    """Return how many of the sorted `prompts` are taken from the front."""
    return min(most, max(least, sum(one.number < below for one in prompts)))
