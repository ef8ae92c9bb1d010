"""Rewards: named functions that judge what a model has written, each with a number from 0 to 1.

| name | 1 for | otherwise |
|---|---|---|
| `format` | what a regular expression matches as a whole | 0 |
| `exact_match` | the answer that a column of the row, or its own answer, has | 0 |
| `normalised_match` | the same but for case, white space and Unicode variants | 0 |
| `length` | tokens or characters within bounds | less, the further it is from them |
| `json_schema` | JSON of a given shape | half of the share of required fields that are right |

`format` and `length` judge all that was written, the others what comes after the thoughts. White
space around it counts for nothing. Of an answer longer than 50,000 characters only the length is
judged; the others give it 0.

Not covered: rewards that are code of a user, or another model's judgement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    PositiveInt,
    model_validator,
)

from tools.data.conversation import Conversation, Message
from tools.data.conversation_text import answer_of, normalised_text
from tools.errors import DatasetError
from tools.training.answer_schema import check_answer_schema, share_right
from tools.training.linear_pattern import linear_pattern
from tools.training.thoughts import split_thoughts

_LONGEST = 50_000  # characters

_FROZEN = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
_Weight = Annotated[float, Field(gt=0, le=1000, description="Next to the other rewards.")]


def _check_pattern(pattern: str) -> str:
    linear_pattern(pattern)
    return pattern


def _check_schema(schema: dict[str, JsonValue]) -> dict[str, JsonValue]:
    check_answer_schema(schema)
    return schema


class FormatReward(BaseModel):
    """The answer looks as it should."""

    model_config = _FROZEN

    name: Literal["format"]
    weight: _Weight = 1.0
    pattern: Annotated[str, AfterValidator(_check_pattern)] = Field(
        min_length=1,
        description="Regular expression that the whole answer matches. `.` is no line feed unless "
        "it begins with (?s).",
    )


class MatchReward(BaseModel):
    """The answer says what it should."""

    model_config = _FROZEN

    name: Literal["exact_match", "normalised_match"]
    weight: _Weight = 1.0
    column: str = Field(
        default="",
        max_length=400,
        description="Column of the dataset that has the right answer, or a list of such; empty for "
        "the answer of the row itself.",
    )


class LengthReward(BaseModel):
    """The answer is as long as it should be."""

    model_config = _FROZEN

    name: Literal["length"]
    weight: _Weight = 1.0
    unit: Literal["tokens", "characters"] = "tokens"
    least: int = Field(default=0, ge=0, le=1_000_000)
    most: PositiveInt = Field(le=1_000_000)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least > self.most:
            raise ValueError("least may not be above most")
        return self


class SchemaReward(BaseModel):
    """The answer is JSON of the right shape."""

    model_config = _FROZEN

    name: Literal["json_schema"]
    weight: _Weight = 1.0
    answer_schema: Annotated[dict[str, JsonValue], AfterValidator(_check_schema)] = Field(
        description="JSON schema of the answer, without recursion."
    )


Reward = Annotated[
    FormatReward | MatchReward | LengthReward | SchemaReward, Field(discriminator="name")
]


@dataclass(frozen=True, slots=True)
class Written:
    """What a model has written: the text, and of how many tokens, the ending one left out."""

    text: str
    tokens: int


def judge(reward: Reward, written: Written, expected: Sequence[str] = ()) -> float:
    """Return what `reward` gives to `written`, from 0 to 1.

    Args:
        reward: The function and its parameters.
        written: What was written.
        expected: The right answers, as `expected_by` found them in the row.
    """
    text = written.text.strip()
    if isinstance(reward, LengthReward):
        length = written.tokens if reward.unit == "tokens" else len(text)
        return within_bounds(length, reward.least, reward.most)
    if len(text) > _LONGEST:
        return 0.0
    if isinstance(reward, FormatReward):
        return float(_matches(reward.pattern, text))
    answer = split_thoughts(Message(role="assistant", content=text))[1].strip()
    if isinstance(reward, SchemaReward):
        return share_right(reward.answer_schema, answer)
    if reward.name == "exact_match":
        return float(any(answer == one.strip() for one in expected))
    said = normalised_text(answer)
    return float(any(said == normalised_text(one) for one in expected))


def within_bounds(length: int, least: int, most: int) -> float:
    """Return 1 from `least` to `most`, and a smaller number the further `length` is from them."""
    if length < least:
        return length / least
    return 1.0 if length <= most else most / length


def _matches(pattern: str, text: str) -> bool:
    # A half of a character that is written in two has no place in UTF-8, nor in a pattern.
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return linear_pattern(pattern).fullmatch(whole) is not None


def weighed(rewards: Sequence[Reward], given: Sequence[float]) -> float:
    """Return the mean of what `rewards` have given, by their weights."""
    total = sum(one.weight for one in rewards)
    return sum(one.weight * value for one, value in zip(rewards, given, strict=True)) / total


def expected_by(reward: Reward, row: Conversation) -> tuple[str, ...]:
    """Return the right answers of `row` that `reward` compares with; none where it compares none.

    Raises:
        DatasetError: The row has none, and it would have to.
    """
    if not isinstance(reward, MatchReward):
        return ()
    if reward.column:
        right = _texts(row.extra.get(reward.column))
        where = f"column {reward.column!r}"
    else:
        answered = bool(row.chosen) or (row.messages and row.messages[-1].role == "assistant")
        right = (answer_of(row),) if answered and row.label is not False else ()
        right = tuple(split_thoughts(Message(role="assistant", content=one))[1] for one in right)
        where = "last turn"
    if not any(one.strip() for one in right):
        raise DatasetError(
            f"Row {row.row} has no right answer in its {where}, with which the reward "
            f"{reward.name} compares. Give it one, leave such rows out, or name another column in "
            "the rewards."
        )
    return right


def _texts(value: Any) -> tuple[str, ...]:
    """Return the texts, numbers and truth values of a column as texts."""
    if isinstance(value, list):
        return tuple(text for one in value for text in _texts(one))
    if isinstance(value, bool):
        return ("true" if value else "false",)
    return (str(value),) if isinstance(value, str | int | float) else ()


def names_of(rewards: Sequence[Reward]) -> list[str]:
    """Return a name for each reward, with its number where several have the same."""
    names = [one.name for one in rewards]
    return [
        name if names.count(name) == 1 else f"{name}_{names[: place + 1].count(name)}"
        for place, name in enumerate(names)
    ]
