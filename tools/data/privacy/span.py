"""Where in a text a private value stands."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tools.data.privacy.kinds import Kind


class PrivateSpan(NamedTuple):
    """A private value in a text: `text[start:end]`."""

    kind: Kind
    start: int
    end: int


Finder = Callable[[str], tuple[PrivateSpan, ...]]

# Their patterns take in what surrounds the value, so that they know best what it is.
_MOST_SPECIFIC: tuple[Kind, ...] = ("secret", "url_credentials")


def without_overlaps(spans: Iterable[PrivateSpan]) -> tuple[PrivateSpan, ...]:
    """Return `spans` in the order of the text, the longest of those that overlap.

    Keys, passwords and credentials win over all others, and all others win over names.
    """
    ordered = sorted(spans, key=lambda span: (span.start, -span.end, span.kind))
    kept: list[PrivateSpan] = []
    for span in ordered:
        stays = True
        while kept and kept[-1].end > span.start:
            if _weight(kept[-1]) >= _weight(span):
                stays = False
                break
            kept.pop()
        if stays:
            kept.append(span)
    return tuple(kept)


def _weight(span: PrivateSpan) -> tuple[int, int]:
    rank = 2 if span.kind in _MOST_SPECIFIC else 0 if span.kind == "name" else 1
    return rank, span.end - span.start
