"""What a command shows: tables and sentences for people, or JSON and nothing else for programs.

Results go to standard output. Remarks, errors and progress bars go to standard error, so that what
is piped on is the result alone.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crewtune.errors import ApiError

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_WIDE = 200  # columns, where nobody's screen sets a limit


def plain(value: object) -> Text:
    """Return `value` so that a terminal shows it and obeys nothing in it."""
    return Text("" if value is None else _CONTROL.sub(" ", str(value)))


def moment(at: datetime | None) -> str:
    """Return a time of day as a person here would say it."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M")


def duration(seconds: float | None) -> str:
    """Return how long something takes."""
    return "" if seconds is None else str(timedelta(seconds=round(seconds)))


def size(count: float | None) -> str:
    """Return a number of bytes in a unit that fits."""
    if count is None:
        return ""
    power = 0
    while count >= 1024 and power < len(_UNITS) - 1:
        count, power = count / 1024, power + 1
    return f"{count:.1f} {_UNITS[power]}" if power else f"{count:.0f} B"


class Screen:
    """Where a command shows what it found."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.out = _console(stderr=False)
        self.notes = _console(stderr=True)

    def json(self, value: object) -> None:
        """Print `value` as one line of JSON, if JSON was asked for."""
        if self.as_json:
            typer.echo(json.dumps(value, default=_content, ensure_ascii=False))

    def print(self, value: object) -> None:
        """Print a sentence on standard output, if JSON was not asked for."""
        if not self.as_json:
            self.out.print(plain(value))

    def remark(self, value: object) -> None:
        """Say something that is no result."""
        self.notes.print(plain(value))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
        """Print a table, or `empty` when it has no rows, if JSON was not asked for."""
        listed = list(rows)
        if self.as_json:
            return
        if not listed:
            return self.print(empty)
        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for row in listed:
            table.add_row(*map(plain, row))
        self.out.print(table)

    def facts(self, facts: Mapping[str, object]) -> None:
        """Print names and values below each other, if JSON was not asked for."""
        if self.as_json:
            return
        table = Table(box=None, pad_edge=False, show_header=False)
        for name, value in facts.items():
            if value not in (None, ""):
                table.add_row(Text(name, style="bold"), plain(value))
        self.out.print(table)

    def error(self, error: ApiError, remedy: str = "") -> None:
        """Say what went wrong: as JSON on standard output, or on standard error."""
        if self.as_json:
            given = ("status", "code", "detail", "errors", "request_id")
            self.json({"error": {name: getattr(error, name) for name in given}})
            return
        self.notes.print(Text("Not done: ", style="bold red") + plain(f"{error} {remedy}".strip()))
        for one in error.errors:
            if one.detail not in str(error):
                self.remark(f"  {one.pointer}: {one.detail}")
        if error.status >= 500 and error.request_id:
            self.remark(f"  Request {error.request_id}")


def _content(model: BaseModel) -> object:
    return json.loads(model.model_dump_json())


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=stderr, highlight=False, width=_WIDE)
