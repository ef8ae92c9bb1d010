"""Mark what is injected, hidden or harmful in one text.

A pattern is tried only on a text that holds one of the pieces it cannot do without, so that clean
texts are fast. Patterns see the text folded (see `fold_text`), and marks stand in the text as it
is.

Not covered: what a text means. An attack in words that no pattern has is not marked, and a text
about attacks is marked like an attack.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from pydantic import BaseModel, ConfigDict, Field

from tools.data.scan.decode_text import decoded_pieces
from tools.data.scan.fold_text import fold, mixed_words, original_span
from tools.data.scan.load_patterns import Category, Check, Level, ScanPattern, patterns_of

_Span = tuple[int, int]
_Compiled = tuple[ScanPattern, re.Pattern[str]]
_Piece = tuple[str, list[_Compiled]]
_Opening = tuple[str, str, str, str]

_OPENING = 4  # characters; common enough to leave few pieces to look for, and quick to gather
_FEW_PIECES = 150  # are looked for one by one sooner than the openings are gathered
_MANY_CHARACTERS = 20_000  # of a text whose openings would take much memory
_BIDI = re.compile(r"[\u202a-\u202c\u2066-\u2069]")
# Hebrew, Arabic, Syriac, Thaana, N'Ko and their presentation forms.
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff]")


@dataclass(frozen=True)
class _Pieces:
    """The pieces of text that patterns need, found by their first four characters."""

    every: list[_Piece]
    short: list[_Piece]
    by_opening: dict[_Opening, list[_Piece]]
    openings: frozenset[_Opening]


class Mark(BaseModel):
    """Where something suspicious stands."""

    model_config = ConfigDict(frozen=True)

    pattern: str = Field(description="Id of the pattern.")
    category: Category
    start: int
    end: int


def scan_text(text: str, level: Level) -> tuple[Mark, ...]:
    """Return what `level` finds in `text`: each pattern once, where it stands first."""
    marks = [
        Mark(pattern=pattern.id, category=pattern.category, start=start, end=end)
        for pattern, (start, end) in _found(text, level)
    ]
    for name, pattern in _checks_of(level):
        span = _CHECKS[name](text)
        if span is not None:
            marks.append(
                Mark(pattern=pattern.id, category=pattern.category, start=span[0], end=span[1])
            )
    return tuple(sorted(marks, key=lambda mark: (mark.start, mark.pattern)))


def _found(text: str, level: Level) -> list[tuple[ScanPattern, _Span]]:
    """Return the patterns that match, without the checks."""
    found: list[tuple[ScanPattern, _Span]] = []
    folded = fold(text)
    for pattern, expression in _worth_trying(folded, level):
        match = expression.search(folded)
        if match:
            found.append((pattern, original_span(text, *match.span())))
    # What is seen as it is written is never ASCII.
    for pattern, expression in () if text.isascii() else _as_written(level):
        match = expression.search(text)
        if match:
            found.append((pattern, match.span()))
    return found


def _worth_trying(folded: str, level: Level) -> list[_Compiled]:
    """Return the patterns of which `folded` holds a piece."""
    spaced = f" {' '.join(folded.split())} "
    pieces = _pieces(level)
    if len(pieces.every) < _FEW_PIECES or len(spaced) > _MANY_CHARACTERS:
        tried = pieces.every
    else:
        openings = set(zip(spaced, spaced[1:], spaced[2:], spaced[3:], strict=False))
        tried = list(pieces.short)
        for opening in pieces.openings & openings:
            tried += pieces.by_opening[opening]
    worth = {
        pattern.id: (pattern, expression)
        for piece, compiled in tried
        if piece in spaced
        for pattern, expression in compiled
    }
    return list(worth.values())


@cache
def _pieces(level: Level) -> _Pieces:
    users: dict[str, list[_Compiled]] = {}
    for pattern in patterns_of(level):
        if pattern.pattern is not None and not pattern.as_written:
            for piece in pattern.one_of:
                users.setdefault(piece, []).append((pattern, pattern.pattern))
    by_opening: dict[_Opening, list[_Piece]] = {}
    for piece, compiled in users.items():
        if len(piece) >= _OPENING:
            by_opening.setdefault((piece[0], piece[1], piece[2], piece[3]), []).append(
                (piece, compiled)
            )
    return _Pieces(
        every=list(users.items()),
        short=[one for one in users.items() if len(one[0]) < _OPENING],
        by_opening=by_opening,
        openings=frozenset(by_opening),
    )


@cache
def _as_written(level: Level) -> tuple[_Compiled, ...]:
    return tuple(
        (one, one.pattern)
        for one in patterns_of(level)
        if one.pattern is not None and one.as_written
    )


@cache
def _checks_of(level: Level) -> tuple[tuple[Check, ScanPattern], ...]:
    return tuple((one.check, one) for one in patterns_of(level) if one.check is not None)


def _bidi_in_left_to_right_text(text: str) -> _Span | None:
    if text.isascii():
        return None
    found = _BIDI.search(text)
    return found.span() if found and not _RIGHT_TO_LEFT.search(text) else None


def _look_alike_letters(text: str) -> _Span | None:
    return next(mixed_words(text), None)


def _encoded_text(text: str) -> _Span | None:
    return next(((start, end) for start, end, _ in decoded_pieces(text)), None)


def _encoded_instructions(text: str) -> _Span | None:
    for start, end, decoded in decoded_pieces(text):
        if _found(decoded, "standard"):
            return start, end
    return None


_CHECKS: dict[Check, Callable[[str], _Span | None]] = {
    "bidi_in_left_to_right_text": _bidi_in_left_to_right_text,
    "look_alike_letters": _look_alike_letters,
    "encoded_instructions": _encoded_instructions,
    "encoded_text": _encoded_text,
}
