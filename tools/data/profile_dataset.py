"""Measure a dataset version: how many rows, how long, how varied.

The number of tokens is an estimate, a quarter of the characters, which suits English. What a
tokenizer makes of the rows is known only where the model is.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, read_conversations
from tools.data.conversation_text import (
    all_turns,
    answer_of,
    normalised_text,
    placeholders_in,
    prompt_of,
)
from tools.errors import DatasetError

_CHARACTERS_PER_TOKEN = 4


class Spread(BaseModel):
    """How a number is spread over the rows."""

    model_config = ConfigDict(frozen=True)

    minimum: int
    median: int
    p95: int = Field(description="95 of 100 rows have at most this.")
    maximum: int


class ProfileReport(BaseModel):
    """What a dataset version looks like."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    rows: int
    plain_text: bool = Field(description="Whether every row is text to continue.")
    preference: bool = Field(description="Whether every row has a chosen and a rejected answer.")
    turns: Spread = Field(description="Messages a row; of a preference pair, the chosen side.")
    prompt_characters: Spread
    answer_characters: Spread
    system_share: float = Field(description="Share of rows with a system message, 0 to 1.")
    distinct_answers: int
    commonest_answer_share: float = Field(description="Share of rows with the commonest answer.")
    estimated_tokens: int = Field(description="A quarter of all characters.")
    placeholder_rows: int = Field(description="Rows with a placeholder like {{name}}.")


def profile(path: Path) -> ProfileReport:
    """Measure the dataset version at `path`.

    Raises:
        DatasetError: The dataset is missing, malformed or empty.
    """
    rows = list(read_conversations(path))
    if not rows:
        raise DatasetError(f"Dataset {path.stem!r} has no rows.")
    answers = Counter(normalised_text(answer_of(row)) for row in rows)
    characters = sum(len(message.content) for row in rows for message in all_turns(row))
    return ProfileReport(
        dataset=path.stem,
        rows=len(rows),
        plain_text=all(row.plain_text and not row.chosen for row in rows),
        preference=all(bool(row.chosen and row.rejected) for row in rows),
        turns=_spread([len(row.messages) + len(row.chosen) for row in rows]),
        prompt_characters=_spread([_prompt_characters(row) for row in rows]),
        answer_characters=_spread([len(answer_of(row)) for row in rows]),
        system_share=sum(_has_system_message(row) for row in rows) / len(rows),
        distinct_answers=len(answers),
        commonest_answer_share=max(answers.values()) / len(rows),
        estimated_tokens=characters // _CHARACTERS_PER_TOKEN,
        placeholder_rows=sum(bool(placeholders_in(row)) for row in rows),
    )


def _prompt_characters(row: Conversation) -> int:
    return sum(len(message.content) for message in prompt_of(row))


def _has_system_message(row: Conversation) -> bool:
    return any(message.role == "system" for message in row.messages)


def _spread(values: Sequence[int]) -> Spread:
    ordered = sorted(values)
    last = len(ordered) - 1
    return Spread(
        minimum=ordered[0],
        median=ordered[last // 2],
        p95=ordered[round(last * 0.95)],
        maximum=ordered[last],
    )
