"""Tell how much two rows have in common: the share of their shingles that both have (Jaccard).

A shingle is five characters in a row of the words of a row, joined by single spaces. A row of two
words has some, so short rows need no rule of their own; a text of fewer than five characters is one
shingle. Changing one word costs a row about ten shingles, wherever it stands.

Shingles of three words cost more: by a changed word a row of ten words falls to a similarity of
0.45 with them and to 0.7 with characters, and one of forty words to 0.86 and to 0.92.

The first 20,000 characters of a row, and of each of its turns, are compared.

Not covered: translations, and the same thought in other words.
"""

from tools.data.conversation import Conversation
from tools.data.row_words import words_of_row

Shingles = frozenset[str]

LENGTH = 5
_MOST_CHARACTERS = 20_000


def compared_text(row: Conversation) -> str:
    """Return the text by which `row` is compared."""
    return " ".join(words_of_row(row, longest=_MOST_CHARACTERS))[:_MOST_CHARACTERS]


def shingles_of(text: str) -> Shingles:
    """Return the shingles of a text that `compared_text` made."""
    starts = range(max(len(text) - LENGTH, 0) + 1) if text else range(0)
    return frozenset(text[start : start + LENGTH] for start in starts)


def jaccard(one: Shingles, other: Shingles) -> float:
    """Return the share of all shingles that both have; rows without words are not alike."""
    both = len(one & other)
    return both / (len(one) + len(other) - both) if both else 0.0
