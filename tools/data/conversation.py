"""The one shape of a dataset inside CrewTune: a JSONL file with a conversation a line.

Every import turns its format into this; chat templates turn it into tokens at the last moment. A
dataset version is immutable and named by its label and the hash of its content, so two versions
with the same name hold the same rows.

A version is written and read a row at a time, so that its size is bounded by the disk alone.

Not covered: images and audio.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from tools.errors import DatasetError
from tools.files import sha256_of, write_named_by_hash

_HASH = re.compile(r"[0-9a-f]{12}")

Role = Literal["system", "user", "assistant", "tool"]


class ToolCall(BaseModel):
    """A call of a tool by the assistant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    arguments: dict[str, JsonValue]
    id: str = ""


class Message(BaseModel):
    """One turn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    content: str
    reasoning_content: str = Field(
        default="", description="What the assistant thought before it answered."
    )
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = Field(default="", description="Of a tool's turn: the call it answers.")
    name: str = Field(default="", description="Of a tool's turn: the tool.")
    weight: float = Field(
        default=1.0, ge=0, le=100, allow_inf_nan=False, description="In the loss; 0 leaves it out."
    )


class Segment(BaseModel):
    """A piece of a row that no chat template touches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    label: bool = Field(description="Whether it is in the loss.")


class Step(BaseModel):
    """One step of a reasoning, marked as right or wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    label: bool


class Conversation(BaseModel):
    """One training example.

    A row of plain text is a single assistant message. A preference row has `chosen` and
    `rejected`, two ways in which `messages` could go on. A row with `segments` has no messages.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: tuple[Message, ...] = ()
    chosen: tuple[Message, ...] = ()
    rejected: tuple[Message, ...] = ()
    label: bool | None = Field(
        default=None, description="Of unpaired preference: whether the answer is a good one."
    )
    segments: tuple[Segment, ...] = ()
    steps: tuple[Step, ...] = Field(default=(), description="Marked steps after `messages`.")
    tools: tuple[dict[str, JsonValue], ...] = Field(
        default=(), description="JSON schemas of the functions that the assistant may call."
    )
    extra: dict[str, JsonValue] = Field(
        default_factory=dict, description="Other columns, which a reward function may read."
    )
    group: str = Field(default="", description="Rows of one group stay on one side of a split.")
    row: int = Field(ge=1, description="Number of the row, or line, in the file it came from.")

    @property
    def prompt(self) -> tuple[Message, ...]:
        """The messages before the last answer; empty for plain text."""
        return self.messages[:-1]

    @property
    def answer(self) -> str:
        """The text of the last message, which is what a model learns to write."""
        return self.messages[-1].content if self.messages else ""

    @property
    def plain_text(self) -> bool:
        """Whether the row is text to continue rather than a question with an answer."""
        return len(self.messages) == 1 and self.messages[0].role == "assistant"


def read_conversations(path: Path, *, skip: int = 0) -> Iterator[Conversation]:
    """Yield the conversations of a dataset version after the first `skip`, one at a time.

    Raises:
        DatasetError: The file is missing, or a line is not a conversation.
    """
    for number, line in read_lines(path, skip=skip):
        yield parse_line(path, number, line)


def read_lines(path: Path, *, skip: int = 0) -> Iterator[tuple[int, str]]:
    """Yield the lines of a dataset version, each with its number and without its line feed.

    Raises:
        DatasetError: The file is missing, or is not the one that its name says.
    """
    if not path.is_file():
        raise DatasetError(f"There is no dataset {path.stem!r}.")
    digest = path.stem.rpartition("-")[2]
    if _HASH.fullmatch(digest) and not sha256_of(path).startswith(digest):
        raise DatasetError(
            f"The dataset {path.stem!r} has been changed since it was made. Start a new run."
        )
    # Not str.splitlines(): it also cuts at U+2028, which may stand in a message.
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(islice(lines, skip, None), start=skip + 1):
            yield number, line.rstrip("\n")


def parse_line(path: Path, number: int, line: str) -> Conversation:
    """Return what line `number` of the dataset version at `path` says.

    Raises:
        DatasetError: It is not a conversation.
    """
    try:
        return Conversation.model_validate_json(line)
    except ValidationError as error:
        # A line by itself is always line 1, which is not the one in the file.
        problem = error.errors()[0]["msg"].replace(" at line 1 column ", " at column ")
        raise DatasetError(f"Dataset {path.stem!r}, line {number}: {problem}.") from error


def write_version(folder: Path, label: str, conversations: Iterable[Conversation]) -> Path:
    """Write a dataset version to `folder` and return its file, `<label>-<12 hex digits>.jsonl`."""
    return write_named_by_hash(folder, label, ".jsonl", map(line_of, conversations))


def read_characters(
    path: Path, most: int, *, skip: int = 0, a_row: int | None = None
) -> Iterator[Conversation]:
    """Yield conversations as `read_conversations` does, until they hold `most` characters.

    The first is always among them, however long it is.

    Args:
        path: The file of the dataset version.
        most: How many characters of lines are read in all.
        skip: Conversations that are passed over.
        a_row: A longer line is passed over, even the first.

    Raises:
        DatasetError: The file is missing, or a line is not a conversation.
    """
    held = 0
    for number, line in read_lines(path, skip=skip):
        if a_row is not None and len(line) > a_row:
            continue
        if held and held + len(line) > most:
            return
        held += len(line)
        yield parse_line(path, number, line)


def line_of(conversation: Conversation) -> str:
    """Return the line that stands for `conversation` in a dataset version."""
    return f"{conversation.model_dump_json(exclude_defaults=True)}\n"


def label_of(path: Path) -> str:
    """Return the label of a dataset version: its name without the hash."""
    return path.stem.rpartition("-")[0] or path.stem
