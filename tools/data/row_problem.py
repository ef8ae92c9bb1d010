"""What is wrong with one row, and what to do about it, in words that repeat nothing of the row."""

import re
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

UnreadableKind = Literal[
    "malformed",
    "not_an_object",
    "not_finite",
    "bad_unicode",
    "repeated_key",
    "too_deep",
    "too_long",
    "wrong_field_count",
    "repeated_header",
    "control_character",
]
Kind = Literal[
    UnreadableKind,
    "missing",
    "not_text",
    "not_messages",
    "unknown_role",
    "bad_tool_call",
    "bad_tools",
    "bad_weight",
    "bad_label",
    "bad_history",
    "bad_segments",
    "bad_steps",
    "bad_pairs",
    "same_answers",
    "no_prompt",
    "orphan",
    "cycle",
    "repeated_id",
]

# Of the file rather than of what the row says: where these are many, the file is damaged.
UNREADABLE: frozenset[str] = frozenset(get_args(UnreadableKind))


_NAME = re.compile(r"[A-Za-z_-]{1,24}")


class RowProblem(BaseModel):
    """Why a row was left out of an import."""

    model_config = ConfigDict(frozen=True)

    row: int = Field(description="Number of the row, or line, in the file.")
    field: str = Field(description="The column at fault; empty where it is the whole row.")
    problem: str
    remedy: str
    kind: Kind = Field(description="Names the kind of problem, for counting.")


class RowRefusedError(Exception):
    """A row cannot become a conversation; it is left out, and the import goes on."""

    def __init__(self, field: str, problem: str, remedy: str, kind: Kind) -> None:
        super().__init__(problem)
        self.field = field
        self.problem = problem
        self.remedy = remedy
        self.kind = kind

    def in_row(self, number: int) -> RowProblem:
        """Return it as the problem of row `number`."""
        return RowProblem(
            row=number,
            field=self.field,
            problem=self.problem,
            remedy=self.remedy,
            kind=self.kind,
        )


def shown(name: object) -> str:
    """Return a name in a row as the end of a sentence, or nothing if it may be some other text."""
    return f" {name!r}" if isinstance(name, str) and _NAME.fullmatch(name) else ""
