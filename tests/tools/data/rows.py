"""Conversations and the files that hold them, as the tests of datasets need them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tools.data.conversation import Conversation, Message, read_conversations, write_version
from tools.data.import_dataset import ImportReport, import_dataset

USER = {"role": "user", "content": "Hi"}
ASSISTANT = {"role": "assistant", "content": "Hello"}
WORSE = {"role": "assistant", "content": "What?"}
SYSTEM = {"role": "system", "content": "Be kind."}
GOOD = {"messages": [USER, ASSISTANT]}
KIND = Message(role="system", content="Be kind.")
SAID = Message(role="user", content="Hi")
REPLY = Message(role="assistant", content="Hello")


def conversation(*turns: tuple[str, str], row: int = 1) -> Conversation:
    messages = tuple(Message(role=role, content=content) for role, content in turns)  # type: ignore[arg-type]
    return Conversation(messages=messages, row=row)


def chat(question: str, answer: str = "Yes.", row: int = 1) -> Conversation:
    return conversation(("user", question), ("assistant", answer), row=row)


def text(content: str, row: int = 1) -> Conversation:
    return conversation(("assistant", content), row=row)


def pair(question: str, chosen: str, rejected: str) -> Conversation:
    return Conversation(
        messages=conversation(("user", question)).messages,
        chosen=text(chosen).messages,
        rejected=text(rejected).messages,
        row=1,
    )


def chats(count: int, first: int = 1) -> list[Conversation]:
    """Return that many different chats without a fault, numbered from `first` on."""
    return [
        chat(f"What is {row}?", f"A number: {row}.", row=row) for row in range(first, first + count)
    ]


def save_version(folder: Path, rows: Iterable[Conversation]) -> Path:
    return write_version(folder, "chats", rows)


def load_version(folder: Path, name: str) -> list[Conversation]:
    return list(read_conversations(folder / f"{name}.jsonl"))


def save_lines(folder: Path, *rows: Any, name: str = "rows.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def save_file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def imported(folder: Path, *rows: Any) -> tuple[ImportReport, list[Conversation]]:
    """Import a file of `rows`, and return the report with the conversations that were made."""
    report = import_dataset(save_lines(folder, *rows), folder / "datasets")
    return report, load_version(folder / "datasets", report.dataset)
