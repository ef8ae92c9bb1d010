"""Measure a dataset version: how many rows, how long, how varied.

The number of tokens is an estimate, a quarter of the characters, which suits English. What a
tokenizer makes of the rows is known only where the model is.

Rows are read one at a time; what stays of each is some 60 bytes.
"""

from array import array
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
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
_MOST_LABELS = 20  # with more distinct answers a dataset is not one of labels
_ROWS_A_LABEL = 5  # on average, at least
_FIRST_BIN = 64  # characters


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
    labels: tuple[int, ...] = Field(
        description="Rows with each answer, most first, where 2 to 20 answers make up all rows."
    )
    lengths: tuple[tuple[int, int], ...] = Field(
        description="Histogram: rows of at most that many characters, each bound twice the last."
    )


def profile(path: Path) -> ProfileReport:
    """Measure the dataset version at `path`.

    Raises:
        DatasetError: The dataset is missing, malformed or empty.
    """
    measures = _Measures(read_conversations(path))
    rows = len(measures.turns)
    if not rows:
        raise DatasetError(f"Dataset {path.stem!r} has no rows.")
    answers = measures.answers
    return ProfileReport(
        dataset=path.stem,
        rows=rows,
        plain_text=measures.plain == rows,
        preference=measures.pairs == rows,
        turns=_spread(measures.turns),
        prompt_characters=_spread(measures.prompts),
        answer_characters=_spread(measures.lengths_of_answers),
        system_share=measures.with_system / rows,
        distinct_answers=len(answers),
        commonest_answer_share=max(answers.values()) / rows,
        estimated_tokens=sum(measures.characters) // _CHARACTERS_PER_TOKEN,
        placeholder_rows=measures.with_placeholder,
        labels=_labels(answers, rows),
        lengths=_histogram(measures.characters),
    )


class _Measures:
    """What is measured of every row."""

    def __init__(self, rows: Iterable[Conversation]) -> None:
        self.plain = self.pairs = self.with_system = self.with_placeholder = 0
        self.answers: Counter[int] = Counter()
        self.turns, self.prompts = array("L"), array("L")
        self.lengths_of_answers, self.characters = array("L"), array("L")
        for row in rows:
            self._take(row)

    def _take(self, row: Conversation) -> None:
        answer = answer_of(row)
        self.plain += row.plain_text and not row.chosen
        self.pairs += bool(row.chosen and row.rejected)
        self.with_system += any(message.role == "system" for message in row.messages)
        self.with_placeholder += bool(placeholders_in(row))
        digest = blake2b(normalised_text(answer).encode(errors="replace"), digest_size=8).digest()
        self.answers[int.from_bytes(digest)] += 1
        self.turns.append(len(row.messages) + len(row.chosen))
        self.prompts.append(sum(len(message.content) for message in prompt_of(row)))
        self.lengths_of_answers.append(len(answer))
        segments = sum(len(one.text) for one in row.segments)
        self.characters.append(segments + sum(len(one.content) for one in all_turns(row)))


def _labels(answers: Counter[int], rows: int) -> tuple[int, ...]:
    few = 2 <= len(answers) <= _MOST_LABELS and rows >= _ROWS_A_LABEL * len(answers)
    return tuple(count for _, count in answers.most_common()) if few else ()


def _histogram(characters: Iterable[int]) -> tuple[tuple[int, int], ...]:
    bins = Counter(max(0, (max(1, count) - 1).bit_length() - 6) for count in characters)
    return tuple((_FIRST_BIN << place, bins[place]) for place in range(max(bins) + 1))


def _spread(values: Iterable[int]) -> Spread:
    ordered = sorted(values)
    last = len(ordered) - 1
    return Spread(
        minimum=ordered[0],
        median=ordered[last // 2],
        p95=ordered[round(last * 0.95)],
        maximum=ordered[last],
    )
