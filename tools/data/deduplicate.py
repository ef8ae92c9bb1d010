"""Remove repeated conversations from a dataset.

Two conversations are the same when all their messages match after Unicode normalisation (NFKC),
case folding and collapsing of white space. The first one stays, so the order is kept.

Not covered: paraphrases and near-duplicates. Two rows that differ by one word both stay.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.conversation_text import normalised

_LISTED_REPEATS = 50


class DeduplicateReport(BaseModel):
    """What `deduplicate` did."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the new dataset version.")
    rows_read: int
    rows_kept: int
    repeats: tuple[tuple[int, int], ...] = Field(
        description="The first 50 rows left out, each with the row it repeats."
    )


def deduplicate(source: Path, target_dir: Path) -> DeduplicateReport:
    """Write `source` without its repeated conversations as a new version to `target_dir`.

    Raises:
        DatasetError: `source` is missing or malformed.
    """
    first_row: dict[object, int] = {}
    kept: list[Conversation] = []
    repeats: list[tuple[int, int]] = []
    for conversation in read_conversations(source):
        key = _key(conversation)
        if key in first_row:
            repeats.append((conversation.row, first_row[key]))
        else:
            first_row[key] = conversation.row
            kept.append(conversation)
    return DeduplicateReport(
        dataset=write_version(target_dir, label_of(source), kept).stem,
        rows_read=len(kept) + len(repeats),
        rows_kept=len(kept),
        repeats=tuple(repeats[:_LISTED_REPEATS]),
    )


def _key(conversation: Conversation) -> object:
    parts = (conversation.messages, conversation.chosen, conversation.rejected)
    return tuple(normalised(messages) for messages in parts)
