"""The one shape of a dataset inside CrewTune: a JSONL file with a conversation a line.

Every import turns its format into this; chat templates turn it into tokens at the last moment. A
dataset version is immutable and named by its label and the hash of its content, so two versions
with the same name hold the same rows.

Not covered: images, audio, and tool calls with structured arguments.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.errors import DatasetError
from tools.files import sha256_of, write_text

_HASH = re.compile(r"[0-9a-f]{12}")

Role = Literal["system", "user", "assistant", "tool"]


class Message(BaseModel):
    """One turn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    content: str


class Conversation(BaseModel):
    """One training example.

    A row of plain text is a single assistant message. A preference row has `chosen` and
    `rejected`, two ways in which `messages` could go on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    messages: tuple[Message, ...]
    chosen: tuple[Message, ...] = ()
    rejected: tuple[Message, ...] = ()
    row: int = Field(ge=1, description="Number of the row, or line, in the file it came from.")

    @property
    def prompt(self) -> tuple[Message, ...]:
        """The messages before the last answer; empty for plain text."""
        return self.messages[:-1]

    @property
    def answer(self) -> str:
        """The text of the last message, which is what a model learns to write."""
        return self.messages[-1].content

    @property
    def plain_text(self) -> bool:
        """Whether the row is text to continue rather than a question with an answer."""
        return len(self.messages) == 1 and self.messages[0].role == "assistant"


def read_conversations(path: Path, *, skip: int = 0) -> Iterator[Conversation]:
    """Yield the conversations of a dataset version after the first `skip`, one at a time.

    Raises:
        DatasetError: The file is missing, or a line is not a conversation.
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
            try:
                yield Conversation.model_validate_json(line.rstrip("\n"))
            except ValidationError as error:
                # A line by itself is always line 1, which is not the one in the file.
                problem = error.errors()[0]["msg"].replace(" at line 1 column ", " at column ")
                raise DatasetError(f"Dataset {path.stem!r}, line {number}: {problem}.") from error


def write_version(folder: Path, label: str, conversations: Iterable[Conversation]) -> Path:
    """Write a dataset version to `folder` and return its file, `<label>-<12 hex digits>.jsonl`."""
    text = "".join(f"{one.model_dump_json(exclude_defaults=True)}\n" for one in conversations)
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = folder / f"{label}-{digest[:12]}.jsonl"
    if not path.is_file() or sha256_of(path) != digest:  # a damaged one is written again
        write_text(path, text)
    return path


def label_of(path: Path) -> str:
    """Return the label of a dataset version: its name without the hash."""
    return path.stem.rpartition("-")[0] or path.stem
