"""Remove repeated conversations from a dataset.

Two conversations are the same when the texts in them match after Unicode normalisation (NFKC), case
folding and collapsing of white space (turns, thoughts, segments and steps), and all else matches as
it is: calls of tools, weights, the mark of a judged answer, and what a reward function reads. The
names that tie a call to its result, and the group, do not count. The first one stays, so the order
is kept.

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
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json

from tools.data.conversation import (
    Conversation,
    Message,
    Role,
    label_of,
    parse_line,
    read_lines,
)
from tools.data.conversation_text import normalised_text
from tools.data.enough_rows import MINIMUM_ROWS, REPEATED, refuse_too_few
from tools.files import write_named_by_hash

_LISTED_REPEATS = 50
_PLAIN_ROW = {"messages", "row"}
_PLAIN_TURN = {"role", "content"}
_ROLES: tuple[str, ...] = get_args(Role)
_USUAL = ("", "", "", 1.0)  # no thought, no calls, no name, and the usual weight


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
    for conversation in conversations:
        if seen.new(digest_of(conversation), conversation.row):
            yield conversation


def _different_lines(source: Path, repeats: list[tuple[int, int]]) -> Iterator[str]:
    seen = _Seen(repeats)
    for number, line in read_lines(source):
        known = _digest_of_plain(line)
        if known is None:
            conversation = parse_line(source, number, line)
            known = digest_of(conversation), conversation.row
        if seen.new(*known):
            yield line


class _Seen:
    """The digests of the rows that came by."""

    def __init__(self, repeats: list[tuple[int, int]]) -> None:
        self._first_row: dict[bytes, int] = {}
        self._repeats = repeats

    def new(self, digest: bytes, row: int) -> bool:
        """Remember a row, and return whether it repeats none before."""
        first = self._first_row.get(digest)
        if first is None:
            self._first_row[digest] = row
            return True
        self._repeats.append((row, first))
        return False


def digest_of(conversation: Conversation) -> bytes:
    """Return 16 bytes that two conversations share if they are the same."""
    texts = [part for one in conversation.messages for part in _said(one.role, one.content)]
    beside = [_beside(message) for message in conversation.messages]
    others: list[list[object]] = [
        [(*_said(one.role, one.content), _beside(one)) for one in turns]
        for turns in (conversation.chosen, conversation.rejected)
    ]
    for pieces in (conversation.segments, conversation.steps):
        others.append([(normalised_text(one.text), one.label) for one in pieces])
    told = [conversation.label, _spelled(conversation.tools), _spelled(conversation.extra)]
    if any(one != _USUAL for one in beside) or any(others) or told != [None, "", ""]:
        texts += ["", repr((beside, others, told))]
    return _hashed(texts)


def _digest_of_plain(line: str) -> tuple[bytes, int] | None:
    """Return the digest and the number of a row of nothing but texts; None for any other line.

    Most rows are such, and to make a conversation of one takes as long as all the rest.
    """
    try:
        row = from_json(line)
    except ValueError:
        return None
    if not isinstance(row, dict) or row.keys() != _PLAIN_ROW:
        return None
    messages, number = row["messages"], row["row"]
    if not isinstance(messages, list) or type(number) is not int or number < 1:
        return None
    if not all(map(_plain, messages)):
        return None
    return _hashed(
        [part for one in messages for part in _said(one["role"], one["content"])]
    ), number


def _plain(message: object) -> bool:
    return (
        isinstance(message, dict)
        and message.keys() == _PLAIN_TURN
        and message["role"] in _ROLES
        and isinstance(message["content"], str)
    )


def _said(role: str, content: str) -> tuple[str, str]:
    return role, normalised_text(content)


def _beside(message: Message) -> tuple[str, str, str, float]:
    """Return what a turn holds beside its text."""
    thought = message.reasoning_content and normalised_text(message.reasoning_content)
    calls = message.tool_calls and [[call.name, call.arguments] for call in message.tool_calls]
    return thought, _spelled(calls), message.name, message.weight


def _spelled(value: object) -> str:
    """Return `value` as JSON, in which the order of keys does not count."""
    return json.dumps(value, sort_keys=True) if value else ""


def _hashed(texts: list[str]) -> bytes:
    # No normalised text has a line feed in it, so no two lists are joined to the same text.
    joined = "\n".join(texts).encode(errors="surrogatepass")
    return hashlib.blake2b(joined, digest_size=16).digest()
