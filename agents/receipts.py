"""One receipt a step: what an agent was told, what it called, what came back, what it answered.

A receipt is a JSON file in the run's folder. It holds names, counts and settings, never rows, paths
or secrets, because tools hand none of those to a model. A few words come from the data itself: the
names of its columns, roles that are not known, and placeholders like {{name}}.
"""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tools.files import write_text


class ToolCall(BaseModel):
    """One call of a tool."""

    model_config = ConfigDict(frozen=True)

    tool: str
    arguments: dict[str, Any]
    result: dict[str, Any] | None = Field(description="The tool's report; None when it refused.")
    refusal: str | None = Field(default=None, description="Why the tool refused.")
    seconds: float


class Receipt(BaseModel):
    """What one agent did in one step."""

    model_config = ConfigDict(frozen=True)

    step: int
    agent: str
    model: str = Field(description="Language model, or 'rules'.")
    prompt: str
    tool_calls: tuple[ToolCall, ...]
    answer: dict[str, Any]
    fell_back: str | None = Field(
        description="Why the rules answered in the place of the configured model."
    )
    tokens: int = Field(description="Of the configured model, answers that were refused included.")
    seconds: float


def write_receipt(receipt: Receipt, run_folder: Path) -> None:
    """Write `receipt` to the run's `receipts/`."""
    name = receipt.agent.lower().replace(" ", "_")
    path = run_folder / "receipts" / f"{receipt.step}-{name}.json"
    write_text(path, receipt.model_dump_json(indent=1))
