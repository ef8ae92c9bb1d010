"""A recipe of another tool on its way to one of ours, with what is said of each of its names.

Not covered: what the names mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

AS_IT_IS = "as CrewTune does anyway"
_OFF = (False, 0, -1, "", "no", "none", "false", "null")


@dataclass
class Draft:
    """What is known so far. A name of the file is told in one of the three reports."""

    tool: str
    content: Mapping[str, object]  # of the file, nested names joined with a dot
    fields: dict[str, object] = field(default_factory=dict)  # of our recipe
    origins: dict[str, str] = field(default_factory=dict)  # from which name a field came
    understood: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)
    ignored: dict[str, str] = field(default_factory=dict)
    assumed: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    dataset: str | None = None

    def take(self, key: str, ours: str, value: object, changed: str | None = None) -> None:
        """Set our field from the name `key`; `changed` says in what it differs."""
        self.fields[ours] = value
        self.origins[ours] = key
        if changed is not None:
            self.change(key, changed)
        elif key in self.content:
            self.understood[key] = ours

    def keep(self, key: str) -> None:
        """Say that `key` asks for what is done anyway."""
        if key in self.content:
            self.understood[key] = AS_IT_IS

    def change(self, key: str, why: str) -> None:
        """Say that `key` is not done as it asks."""
        if key in self.content:
            self.changed[key] = why

    def leave(self, key: str, why: str) -> None:
        """Say that `key` has no counterpart, and what is done instead."""
        if key in self.content:
            self.ignored[key] = why

    def refuse(self, key: str, why: str) -> None:
        """Say why the file cannot be imported. It is told with all other such reasons."""
        self.problems.append(f"{key}: {why}")

    def told(self, key: str) -> bool:
        """Return whether something was said of `key`."""
        return key in self.understood or key in self.changed or key in self.ignored

    def in_order(self, report: Mapping[str, str]) -> dict[str, str]:
        """Return what is said of names, in the order of the file."""
        return {key: report[key] for key in self.content if key in report}

    def on(self, key: str) -> bool:
        """Return whether `key` is there and switches something on."""
        value = self.content.get(key)
        return value is not None and not off(value)

    def word(self, key: str, usual: str = "") -> str:
        """Return the text of `key` in small letters, or `usual`; another kind is refused."""
        value = self.content.get(key, usual)
        if not isinstance(value, str):
            self.refuse(key, "a word is wanted.")
            return usual
        return value.strip().lower()

    def number(self, key: str) -> float | None:
        """Return the number of `key` if there is one; what is no number is refused."""
        value = self.content.get(key)
        if value is None:
            return None
        try:
            # PyYAML reads 1e-4 as a text: YAML 1.1 wants a point in it.
            found = float(value) if isinstance(value, int | float | str) else math.nan
        except (ValueError, OverflowError):
            found = math.nan
        if isinstance(value, bool) or not math.isfinite(found):
            self.refuse(key, "a number is wanted.")
            return None
        return found


Turn = Callable[[Draft, str], None]


class ForeignTool(NamedTuple):
    """How the recipes of a tool are read."""

    title: str
    spread: Callable[[Mapping[str, object]], dict[str, object]]  # joins nested names
    first: tuple[Callable[[Draft], None], ...]  # what several names mean together
    read: tuple[str, ...]  # the names that `first` reads
    same: Mapping[str, str]  # its name to our field
    turned: Mapping[str, Turn]
    changed: Mapping[str, str]  # its name to what is done instead, where it is on
    ignored: Mapping[str, str]
    families: Mapping[str, str]  # beginnings of names that are ignored
    defaults: Mapping[str, object]  # our field to what the tool takes where its file says nothing

    def known(self) -> list[str]:
        """Return all names that are told of by themselves."""
        return [*self.read, *self.same, *self.turned, *self.changed, *self.ignored]

    def family(self, key: str) -> str | None:
        """Return why `key` is ignored, where its beginning says it."""
        fitting = (why for start, why in self.families.items() if key.startswith(start))
        return next(fitting, None)


def off(value: object) -> bool:
    """Return whether `value` switches nothing on."""
    if isinstance(value, str):
        return value.strip().lower() in _OFF
    return isinstance(value, int | float) and value in _OFF


def shown(value: object) -> str:
    """Return a word of the file as it is repeated: short, and of letters that can be printed."""
    text = "".join(letter for letter in str(value) if letter.isprintable())
    return text if len(text) <= 40 else f"{text[:40]}…"
