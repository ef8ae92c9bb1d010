"""Deal the answers of a dataset to other rows, so that they answer nothing.

A model trained on the result has learnt nonsense. A comparison that calls it better than its base
is broken; that is what this dataset is for.
"""

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.conversation_text import answer_of
from tools.errors import DatasetError


class ShuffleReport(BaseModel):
    """What `shuffle_labels` did."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the new dataset version.")
    rows: int
    changed: int = Field(description="Rows whose answer is now another text.")


def shuffle_labels(source: Path, target_dir: Path, *, seed: int) -> ShuffleReport:
    """Write `source` with the answers of other rows as a new version to `target_dir`.

    As many rows as possible get another text than before. Of preference pairs, the continuations
    are dealt as pairs.

    Raises:
        DatasetError: `source` is missing, malformed, plain text, or has no two different answers.
    """
    rows = list(read_conversations(source))
    if any(row.plain_text and not row.chosen for row in rows):
        raise DatasetError(
            f"Dataset {source.stem!r} is plain text; only answers to questions can be shuffled."
        )
    givers = _deal([answer_of(row) for row in rows], random.Random(seed))
    dealt = [_with_answer_of(row, rows[giver]) for row, giver in zip(rows, givers, strict=True)]
    changed = sum(answer_of(old) != answer_of(new) for old, new in zip(rows, dealt, strict=True))
    if changed == 0:
        raise DatasetError(
            f"Dataset {source.stem!r} has no two different answers, so there is nothing to shuffle."
        )
    return ShuffleReport(
        dataset=write_version(target_dir, f"{label_of(source)}-shuffled", dealt).stem,
        rows=len(rows),
        changed=changed,
    )


def _deal(answers: Sequence[str], dice: random.Random) -> list[int]:
    """Return for every row the row whose answer it gets.

    With equal answers next to each other in a circle, a step as long as the longest run of equals
    leads every row to a different text, unless one text is more than half of all.
    """
    order = list(range(len(answers)))
    dice.shuffle(order)
    place = {text: number for number, text in enumerate(dict.fromkeys(answers[i] for i in order))}
    order.sort(key=lambda row: place[answers[row]])
    step = max(Counter(answers).values(), default=0)
    givers = [0] * len(answers)
    for position, row in enumerate(order):
        givers[row] = order[(position + step) % len(order)]
    return givers


def _with_answer_of(row: Conversation, giver: Conversation) -> Conversation:
    if row.chosen and giver.chosen:
        return row.model_copy(update={"chosen": giver.chosen, "rejected": giver.rejected})
    if row.chosen or giver.chosen or not row.messages or not giver.messages:
        return row
    return row.model_copy(update={"messages": (*row.prompt, giver.messages[-1])})
