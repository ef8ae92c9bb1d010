"""Measure how many tokens the rows of a dataset have, and name those too long for a model.

The rows are read and encoded one at a time; four bytes a row are kept, for the median and the
histogram.

Not covered: rows that cannot be trained on for another reason; they are counted, not measured.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation
from tools.data.finding import Finding
from tools.errors import ToolError
from tools.training.encode import row_encoder
from tools.training.thoughts import Thoughts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LISTED = 1000
_BINS = 20


class LengthBin(BaseModel):
    """How many rows have a number of tokens between two bounds."""

    model_config = ConfigDict(frozen=True)

    first_tokens: int
    last_tokens: int = Field(description="This number of tokens is still in the bin.")
    rows: int


class LengthReport(BaseModel):
    """How long the rows of a dataset are as a model reads them."""

    model_config = ConfigDict(frozen=True)

    rows: int = Field(description="Rows that were measured.")
    rows_not_measured: int = Field(description="Rows that cannot be turned into tokens to learn.")
    rows_too_long: int
    longest_tokens: int
    median_tokens: int
    histogram: tuple[LengthBin, ...]
    findings: tuple[Finding, ...] = Field(description="The first 1,000 rows that are too long.")


def check_lengths(
    conversations: Iterable[Conversation],
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    thoughts: Thoughts = "keep",
) -> LengthReport:
    """Return how long the rows are, and a finding for each that is longer than `max_length`.

    Args:
        conversations: Rows of a dataset, read once.
        tokenizer: The model's, with the chat template to train with.
        max_length: Tokens a row may have.
        thoughts: As in the recipe.
    """
    lengths, findings, long, skipped = array("I"), list[Finding](), 0, 0
    encode_row = row_encoder(tokenizer, thoughts=thoughts)
    for one in conversations:
        try:
            tokens = len(encode_row(one).input_ids)
        except ToolError:
            skipped += 1
            continue
        lengths.append(tokens)
        long += tokens > max_length
        if tokens > max_length and long <= _LISTED:
            findings.append(_too_long(one.row, tokens, max_length))
    ordered = sorted(lengths)
    return LengthReport(
        rows=len(ordered),
        rows_not_measured=skipped,
        rows_too_long=long,
        longest_tokens=ordered[-1] if ordered else 0,
        median_tokens=ordered[len(ordered) // 2] if ordered else 0,
        histogram=length_histogram(ordered),
        findings=tuple(findings),
    )


def length_histogram(lengths: Sequence[int], bins: int = _BINS) -> tuple[LengthBin, ...]:
    """Return how many of `lengths` lie in each of at most `bins` parts of equal width."""
    if not lengths:
        return ()
    width = max(lengths) // bins + 1
    counts = [0] * (max(lengths) // width + 1)
    for length in lengths:
        counts[length // width] += 1
    return tuple(
        LengthBin(first_tokens=place * width, last_tokens=(place + 1) * width - 1, rows=rows)
        for place, rows in enumerate(counts)
    )


def _too_long(row: int, tokens: int, max_length: int) -> Finding:
    return Finding(
        row=row,
        field="messages",
        severity="warning",
        code="too_long_for_the_model",
        message=f"The row has {tokens:,} tokens; max_length is {max_length:,}.",
        remedy="Shorten the row, or raise max_length where the model and the memory allow it.",
    )
