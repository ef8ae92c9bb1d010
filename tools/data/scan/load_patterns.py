"""The patterns of the scan, read from one data file and compiled once.

The file says how its entries are written. A faulty entry is refused with its name and all that is
wrong with it.

Not covered: whether a pattern is a good one. Its example and counter-example are tried by tests.
"""

import re
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tools.errors import DatasetError

Level = Literal["minimal", "standard", "strict", "maximum"]
Category = Literal[
    "prompt_injection",
    "jailbreak",
    "hidden_unicode",
    "special_tokens",
    "data_exfiltration",
    "script_injection",
    "command_injection",
    "template_injection",
]
PatternSeverity = Literal["high", "medium", "low"]
Check = Literal[
    "bidi_in_left_to_right_text", "look_alike_letters", "encoded_instructions", "encoded_text"
]

LEVELS: tuple[Level, ...] = get_args(Level)
PATTERNS_FILE = Path(__file__).with_name("patterns.yaml")

_WORDS = r"(?:[^\s.!?]{1,24}\s{1,3}){0,4}"
_MINE = (
    r"my|our|mein\w{0,2}|unser\w{0,2}|mes|mon|nos|notre|mis?|nuestr\w{2}|mi[ea]i?|nostr\w|minhas?"
    r"|meus?|noss\w{2}|mijn|onze?|moj\w{1,3}|nasz\w{1,3}"
)
_YOURS = rf"(?:(?!(?:{_MINE})\s)[^\s.!?]{{1,24}}\s{{1,3}}){{0,4}}"
# After escapes and sets are taken out: a star, a plus, or braces without an upper bound.
_LITERAL = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
_UNBOUNDED = re.compile(r"[*+]|\{\d*,\}")


class ScanPattern(BaseModel):
    """One thing that the scan looks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9_]{3,60}$")
    category: Category
    level: Level = Field(description="The lowest level that looks for it.")
    severity: PatternSeverity
    message: str = Field(min_length=1, description="What it is, in words for a person.")
    pattern: re.Pattern[str] | None = None
    check: Check | None = Field(default=None, description="Looks for it in place of a pattern.")
    one_of: tuple[str, ...] = Field(
        default=(), description="Without one of these the pattern is not tried."
    )
    as_written: bool = Field(default=False, description="Whether it sees the text unfolded.")
    example: str = Field(min_length=1)
    counter_example: str = Field(min_length=1)

    @field_validator("pattern", mode="before")
    @classmethod
    def _compile(cls, written: object) -> object:
        return compile_pattern(written) if isinstance(written, str) else written

    @model_validator(mode="after")
    def _has_one_way_to_look(self) -> "ScanPattern":
        if (self.pattern is None) == (self.check is None):
            raise ValueError("it needs either a pattern or a check")
        if self.pattern is not None and not self.as_written and not self.one_of:
            raise ValueError("it needs one_of, so that most texts are passed over quickly")
        if any(piece != piece.lower() or not piece for piece in self.one_of):
            raise ValueError("one_of holds pieces of text in lower case")
        return self


class PatternFile(BaseModel):
    """All patterns, and what to do about each category."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    remedies: dict[Category, str]
    patterns: tuple[ScanPattern, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _is_whole(self) -> "PatternFile":
        ids = [one.id for one in self.patterns]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"the id stands there twice: {', '.join(twice)}")
        without = sorted({one.category for one in self.patterns} - set(self.remedies))
        if without:
            raise ValueError(f"there is no remedy for {', '.join(without)}")
        return self


def compile_pattern(written: str) -> re.Pattern[str]:
    """Compile a pattern as the data file writes it.

    Raises:
        ValueError: It is no regular expression, or has a repeat without a bound.
    """
    if _UNBOUNDED.search(_LITERAL.sub("", written)):
        raise ValueError("each repeat in the pattern needs an upper bound, such as {0,20}")
    pieces = {"{words}": _WORDS, "{yours}": _YOURS, " ": r"\s{1,3}"}
    spelled = re.sub(r"\{words\}|\{yours\}|(?: )(?!\?)", lambda one: pieces[one[0]], written)
    spelled = spelled.replace(" ?", r"\s{0,3}")
    try:
        return re.compile("|".join(f"(?:{line})" for line in spelled.splitlines() if line))
    except re.error as error:
        raise ValueError(f"the pattern is no regular expression: {error.msg}") from error


@cache
def load_patterns(path: Path = PATTERNS_FILE) -> PatternFile:
    """Return the patterns of the file at `path`; it is read once.

    Raises:
        DatasetError: The file is missing or faulty. The message names each faulty entry.
    """
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return PatternFile.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DatasetError(
            f"The scan patterns in {path.name!r} cannot be read. Restore the file."
        ) from error
    except ValidationError as error:
        faults = "; ".join(_fault(content, one["loc"], one["msg"]) for one in error.errors())
        raise DatasetError(
            f"The scan patterns in {path.name!r} are faulty: {faults}. Correct the file."
        ) from error


@cache
def patterns_of(level: Level) -> tuple[ScanPattern, ...]:
    """Return what `level` looks for, in the order of the file."""
    reached = LEVELS[: LEVELS.index(level) + 1]
    return tuple(one for one in load_patterns().patterns if one.level in reached)


@cache
def patterns_by_id() -> dict[str, ScanPattern]:
    """Return every pattern by its id."""
    return {one.id: one for one in load_patterns().patterns}


def _fault(content: object, place: tuple[int | str, ...], problem: str) -> str:
    """Return `problem` with the name of the entry that has it, where it has one."""
    said = problem.removeprefix("Value error, ")
    if not isinstance(content, dict) or place[:1] != ("patterns",) or len(place) < 2:
        return said
    number = place[1]
    entry = content["patterns"][number] if isinstance(number, int) else None
    name = entry.get("id", number) if isinstance(entry, dict) else number
    field = f", {place[2]}" if len(place) > 2 else ""
    return f"pattern {name!r}{field}: {said}"
