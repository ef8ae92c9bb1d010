"""Bring a text into the form in which patterns look for words, whatever disguise it wears.

Lower case; accents taken off Latin letters; full-width and styled letters made plain; invisible
characters dropped; Cyrillic and Greek letters inside a Latin word replaced by the Latin letters
that they look like.

Not covered: words written in a foreign script from end to end, digits in the place of letters,
misspellings, Braille and the like.
"""

import re
import unicodedata
from collections.abc import Iterator

_LOOK_ALIKES = str.maketrans(
    "авеёкмнорстухіїѕјһԁԛԝАВЕКМНОРСТУХІЅЈαεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abeekmhopctyxiisjhdqwABEKMHOPCTYXISJaeikvoptuxABEZHIKMNOPTYX",
)
_FOREIGN = "".join(map(chr, _LOOK_ALIKES))
# Both look at the start of the word only, and not far, so that the search stays linear.
_MIXED_WORD = re.compile(rf"\b(?=\w{{0,40}}[A-Za-z])(?=\w{{0,40}}[{_FOREIGN}])\w{{2,40}}\b")
_FOREIGN_LETTER = re.compile(rf"[{_FOREIGN}]")
_LATIN_LETTER = re.compile(r"[A-Za-z]")
_QUOTES = {
    **dict.fromkeys("\u2018\u2019\u02bc\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d", '"'),
}
# Letters that Unicode does not take apart.
_LETTERS = {"\u0131": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"}


class _Folded(dict[int, str]):
    """Each character's folded form, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold_character(chr(code))
        return folded


_FOLDED = _Folded()


def fold(text: str) -> str:
    """Return `text` in the form that patterns are written for."""
    if text.isascii():
        return text.lower()
    return _latin(text).translate(_FOLDED)


def original_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where the part of `fold(text)` from `start` to `end` stands in `text`."""
    if text.isascii():
        return start, end
    at = 0
    begin: int | None = None
    # A look-alike has a folded form of the length of its twin's.
    for place, character in enumerate(_latin(text)):
        at += len(_FOLDED[ord(character)])
        if begin is None and at > start:
            begin = place
        if at >= end:
            return (place if begin is None else begin), place + 1
    return (len(text) if begin is None else begin), len(text)


def mixed_words(text: str) -> Iterator[tuple[int, int]]:
    """Yield where words stand that become Latin when their look-alike letters are replaced."""
    for word in _MIXED_WORD.finditer(text) if _may_mix(text) else ():
        if word[0].translate(_LOOK_ALIKES).isascii():
            yield word.span()


def _latin(text: str) -> str:
    """Return `text` with the look-alikes of mixed words replaced; its length stays."""
    if not _may_mix(text):
        return text
    return _MIXED_WORD.sub(lambda word: word[0].translate(_LOOK_ALIKES), text)


def _may_mix(text: str) -> bool:
    """Return quickly whether words of two scripts are possible: most texts have none."""
    return bool(_FOREIGN_LETTER.search(text) and _LATIN_LETTER.search(text))


def _fold_character(character: str) -> str:
    if character in _QUOTES:
        return _QUOTES[character]
    # Cf holds what is invisible; the others are accents and signs that choose a variant.
    if unicodedata.category(character) == "Cf" or _joins(character):
        return ""
    plain = unicodedata.normalize("NFKC", character).casefold()
    plain = _LETTERS.get(plain, plain)
    letters = unicodedata.normalize("NFD", plain)
    if letters[:1].isascii():
        return "".join(one for one in letters if not unicodedata.combining(one))
    return plain


def _joins(character: str) -> bool:
    return any(
        first <= character <= last
        for first, last in (
            ("\u0300", "\u036f"),
            ("\ufe00", "\ufe0f"),
            ("\U000e0100", "\U000e01ef"),
        )
    )
