"""Remove repeated conversations from a dataset.

Two conversations are the same when all that is in them matches after Unicode normalisation (NFKC),
case folding and collapsing of white space: turns, thoughts, calls of tools, segments, steps, the
mark of a judged answer, and what a reward function reads. The names that tie a call to its result
do not count. The first one stays, so the order is kept.

A row is known by a digest of 16 bytes; that and its number take about 150 bytes of memory for every
row that stays.

Not covered: paraphrases and near-duplicates. Two rows that differ by one word both stay here;
`near_duplicates` finds them.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, Message, label_of, read_lines
from tools.data.conversation_text import normalised_text
from tools.data.enough_rows import MINIMUM_ROWS, REPEATED, refuse_too_few
from tools.files import write_named_by_hash

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
    repeats: list[tuple[int, int]] = []
    kept = _different_lines(source, repeats)
    # Nothing may be written of too few rows, so that many are waited for.
    first = list(islice(kept, MINIMUM_ROWS))
    refuse_too_few(len(first), {REPEATED: [row for row, _ in repeats]})
    rows_kept = 0

    def counted() -> Iterator[str]:
        nonlocal rows_kept
        for line in chain(first, kept):
            rows_kept += 1
            yield f"{line}\n"

    # The lines as they are: to spell a row that has not changed takes longer than to copy it.
    version = write_named_by_hash(target_dir, label_of(source), ".jsonl", counted())
    return DeduplicateReport(
        dataset=version.stem,
        rows_read=rows_kept + len(repeats),
        rows_kept=rows_kept,
        repeats=tuple(repeats[:_LISTED_REPEATS]),
    )


def different(
    conversations: Iterable[Conversation], repeats: list[tuple[int, int]]
) -> Iterator[Conversation]:
    """Yield the conversations that repeat none before, one at a time.

    Args:
        conversations: They are read as they are asked for.
        repeats: Here goes the row of every other one, with the row that it repeats.
    """
    seen = _Seen(repeats)
    yield from (conversation for conversation in conversations if seen.new(conversation))


def _different_lines(source: Path, repeats: list[tuple[int, int]]) -> Iterator[str]:
    seen = _Seen(repeats)
    yield from (line for line, conversation in read_lines(source) if seen.new(conversation))


class _Seen:
    """The rows that came by, and those of them that repeat another."""

    def __init__(self, repeats: list[tuple[int, int]]) -> None:
        self._first_row: dict[bytes, int] = {}
        self._repeats = repeats

    def new(self, conversation: Conversation) -> bool:
        """Remember a row, and return whether it repeats none before."""
        digest = digest_of(conversation)
        first = self._first_row.get(digest)
        if first is None:
            self._first_row[digest] = conversation.row
            return True
        self._repeats.append((conversation.row, first))
        return False


def without_repeats(
    conversations: Iterable[Conversation],
) -> tuple[list[Conversation], list[tuple[int, int]]]:
    """Return the conversations that repeat none before, and the rows of those that do.

    Each repeat comes with the row that it repeats.
    """
    repeats: list[tuple[int, int]] = []
    return list(different(conversations, repeats)), repeats


def digest_of(conversation: Conversation) -> bytes:
    """Return 16 bytes that two conversations share if they are the same."""
    key: list[object] = [
        [_turn(message) for message in turns]
        for turns in (conversation.messages, conversation.chosen, conversation.rejected)
    ]
    for pieces in (conversation.segments, conversation.steps):
        key.append([[normalised_text(one.text), one.label] for one in pieces])
    key += [conversation.label, _spelled(conversation.tools), _spelled(conversation.extra)]
    # Texts and numbers that differ have another repr, which is made faster than JSON.
    return hashlib.blake2b(repr(key).encode(), digest_size=16).digest()


def _turn(message: Message) -> list[object]:
    thought = message.reasoning_content and normalised_text(message.reasoning_content)
    calls = message.tool_calls and [[call.name, call.arguments] for call in message.tool_calls]
    content = normalised_text(message.content)
    return [message.role, content, thought, _spelled(calls), message.name, message.weight]


def _spelled(value: object) -> str:
    """Return `value` as JSON, in which the order of keys does not count."""
    return json.dumps(value, sort_keys=True) if value else ""
