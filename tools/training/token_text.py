"""Say what a single token stands for, also where it is no whole character.

Vocabularies write their tokens in ways of their own: byte-level ones give each byte a letter,
others mark a space by U+2581 or spell a byte as `<0xE2>`.

Not covered: vocabularies that mark the inside of a word (`##ing`); their tokens are shown as they
are written.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SPELT_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class TokenTexts:
    """The texts of a tokenizer's tokens."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        vocabulary = tokenizer.get_vocab()
        self._names = {token: name for name, token in vocabulary.items()}
        self._added = {key: one.content for key, one in tokenizer.added_tokens_decoder.items()}
        # The letter of the space: no vocabulary of another kind has it and the one of the newline.
        self._bytes = _byte_letters() if {"\u0120", "\u010a"} <= vocabulary.keys() else {}

    def of(self, token: int) -> str:
        """Return the text of `token`; bytes that are no whole character as `\\xe2`."""
        if token in self._added:
            return self._added[token]
        name = self._names.get(token, "")
        if self._bytes and all(letter in self._bytes for letter in name):
            return bytes(self._bytes[letter] for letter in name).decode(errors="backslashreplace")
        spelt = _SPELT_BYTE.fullmatch(name)
        if spelt:
            return bytes.fromhex(spelt[1]).decode(errors="backslashreplace")
        return name.replace("\u2581", " ")

    def special(self, token: int) -> bool:
        """Return whether `token` is a marker rather than a piece of text."""
        return token in self._added


def _byte_letters() -> dict[str, int]:
    """Return which byte each letter of a byte-level vocabulary stands for."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(0x100) if byte not in shown]
    letters = {chr(byte): byte for byte in shown}
    return letters | {chr(0x100 + place): byte for place, byte in enumerate(hidden)}
