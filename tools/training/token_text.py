"""Say what each token of a row stands for, also where it is no whole character.

Vocabularies write their tokens in ways of their own: byte-level ones give each byte a letter,
others mark a space by U+2581 or spell a byte as `<0xE2>`.

Not covered: vocabularies that mark the inside of a word (`##ing`); their tokens are shown as they
are written.
"""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from collections.abc import Sequence
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
        return self.of_row([token])[0]

    def of_row(self, tokens: Sequence[int]) -> list[str]:
        """Return the texts of tokens that follow one another.

        A character of several tokens is the text of the last of them, and the others have none.
        Bytes that make no character are written as `\\xe2`.
        """
        texts: list[str] = []
        decoder = getincrementaldecoder("utf-8")("backslashreplace")
        for token in tokens:
            spelt = self._bytes_of(token)
            if spelt is not None:
                texts.append(decoder.decode(spelt))
                continue
            if texts:
                texts[-1] += decoder.decode(b"", final=True)
            texts.append(
                self._added.get(token) or self._names.get(token, "").replace("\u2581", " ")
            )
        if texts:
            texts[-1] += decoder.decode(b"", final=True)
        return texts

    def _bytes_of(self, token: int) -> bytes | None:
        """Return the bytes that `token` stands for, where its vocabulary is one of bytes."""
        name = "" if token in self._added else self._names.get(token, "")
        if name and self._bytes and all(letter in self._bytes for letter in name):
            return bytes(self._bytes[letter] for letter in name)
        spelt = _SPELT_BYTE.fullmatch(name)
        return bytes.fromhex(spelt[1]) if spelt else None

    def special(self, token: int) -> bool:
        """Return whether `token` is a marker rather than a piece of text."""
        return token in self._added


def _byte_letters() -> dict[str, int]:
    """Return which byte each letter of a byte-level vocabulary stands for."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(0x100) if byte not in shown]
    letters = {chr(byte): byte for byte in shown}
    return letters | {chr(0x100 + place): byte for place, byte in enumerate(hidden)}
