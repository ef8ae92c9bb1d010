"""The formats of datasets, and which column plays which part in one.

`recognise_format` finds a layout by itself; `mapping` makes one of what a user says.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Role
from tools.data.row_problem import RowProblem

Row = Mapping[str, object]
NumberedRow = tuple[int, Row | RowProblem]

Format = Literal[
    "messages",
    "sharegpt",
    "alpaca",
    "prompt-completion",
    "preference",
    "unpaired-preference",
    "stepwise",
    "prompt-only",
    "question-answer",
    "chained",
    "harmony",
    "segments",
    "text",
]


class Layout(BaseModel):
    """A format, the columns that play its parts, and how sure it is."""

    model_config = ConfigDict(frozen=True)

    format: Format
    messages: str | None = None
    prompt: str | None = None
    input: str | None = None
    answer: str | None = None
    thought: str | None = None
    system: str | None = None
    history: str | None = None
    tools: str | None = None
    chosen: str | None = None
    rejected: str | None = None
    label: str | None = None
    steps: str | None = Field(default=None, description="Column with the steps of a reasoning.")
    step_labels: str | None = None
    segments: str | None = None
    pairs: str | None = Field(default=None, description="Column with lists of questions, answers.")
    id: str | None = None
    parent: str | None = Field(default=None, description="Column with the id of the turn before.")
    group: str | None = Field(
        default=None, description="Column whose equal values keep rows on one side of a split."
    )
    roles: dict[str, Role] = Field(
        default_factory=dict, description="Names of roles beyond the usual ones."
    )
    role_key: str | None = Field(default=None, description="Of a message, beside role and from.")
    content_key: str | None = Field(
        default=None, description="Of a message, beside content and value."
    )
    confidence: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description=(
            "Share of the first rows that fit, times how telling the columns are: 1 for names "
            "and shapes that mean one thing, less where they may mean another."
        ),
    )
    other_possibilities: tuple[Format, ...] = Field(
        default=(), description="Formats that the columns would allow as well, likelier first."
    )
