"""What is wrong with one row, and what to do about it, in words that repeat nothing of the row."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Severity = Literal["error", "warning"]


class Finding(BaseModel):
    """One thing that is wrong with one row.

    An error means that the row teaches something bad and is left out of a training; a warning is
    for a person to judge.
    """

    model_config = ConfigDict(frozen=True)

    row: int = Field(description="Number of the row, or line, in the file it came from.")
    field: str = Field(description="messages, chosen or rejected.")
    severity: Severity
    code: str = Field(description="Names the kind of fault, e.g. empty_answer.")
    message: str = Field(description="What was found; never the value itself.")
    remedy: str
