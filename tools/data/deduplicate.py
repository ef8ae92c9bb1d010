"""Remove repeated conversations from a dataset.

Two conversations are the same when all their messages match after Unicode normalisation (NFKC),
case folding and collapsing of white space. The first one stays, so the order is kept.

Not covered: paraphrases and near-duplicates. Two rows that differ by one word both stay.
"""

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.conversation_text import normalised
from tools.data.enough_rows import REPEATED, refuse_too_few

_LISTED_REPEATS = 50


class DeduplicateReport(BaseModel):
    """What `deduplicate` did."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the new dataset version.")
    rows_read: int = Field(description="Rows of the source, the repeats included.")
    rows_kept: int = Field(description="Rows of the new dataset version.")
    repeats: tuple[tuple[int, int], ...] = Field(
        description="The first 50 rows left out, each with the row it repeats."
    )


def deduplicate(source: Path, target_dir: Path) -> DeduplicateReport:
    """Write `source` without its repeated conversations as a new version to `target_dir`.

    Raises:
        DatasetError: `source` is missing or malformed, or fewer than 20 rows would be left.
    """
    kept, repeats = without_repeats(read_conversations(source))
    refuse_too_few(len(kept), {REPEATED: [row for row, _ in repeats]})
    return DeduplicateReport(
        dataset=write_version(target_dir, label_of(source), kept).stem,
        rows_read=len(kept) + len(repeats),
        rows_kept=len(kept),
        repeats=tuple(repeats[:_LISTED_REPEATS]),
    )


def without_repeats(
    conversations: Iterable[Conversation],
) -> tuple[list[Conversation], list[tuple[int, int]]]:
    """Return the conversations that repeat none before, and the rows of those that do.

    Each repeat comes with the row that it repeats.
    """
    first_row: dict[object, int] = {}
    kept: list[Conversation] = []
    repeats: list[tuple[int, int]] = []
    for conversation in conversations:
        key = _key(conversation)
        if key in first_row:
            repeats.append((conversation.row, first_row[key]))
        else:
            first_row[key] = conversation.row
            kept.append(conversation)
    return kept, repeats


def _key(conversation: Conversation) -> object:
    parts = (conversation.messages, conversation.chosen, conversation.rejected)
    return tuple(normalised(messages) for messages in parts)
