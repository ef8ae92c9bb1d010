"""Find readable text that is written in Base64 or hexadecimal digits.

Not covered: other encodings, such as ROT13 or per cent signs, and text encoded twice.
"""

import base64
import binascii
import re
from collections.abc import Iterator

# Shorter runs are words, names and numbers. Longer ones are decoded in parts.
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,4096}")
_HEXADECIMAL = re.compile(r"(?:[0-9a-fA-F]{2}){16,2048}")
_READABLE = re.compile(r"[\w\s.,;:!?'\"()<>/@#&%*+=$|{}\[\]-]{12,4096}")
_WORD_GAP = re.compile(r"[^\W\d_]{2,20}[ \n,.]{1,2}[^\W\d_]{1,20}")
_URL_ALPHABET = str.maketrans("-_", "+/")


def decoded_pieces(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield where encoded text stands in `text`, from and to, with what it says."""
    for run in _BASE64.finditer(text):
        for decoded in (_from_hexadecimal(run[0]), _from_base64(run[0])):
            if decoded is not None and _readable(decoded):
                yield run.start(), run.end(), decoded


def _from_hexadecimal(run: str) -> str | None:
    if not _HEXADECIMAL.fullmatch(run):
        return None
    return _as_text(bytes.fromhex(run))


def _from_base64(run: str) -> str | None:
    # A part of a longer run may end in the middle of a group of four.
    whole = run[: len(run) // 4 * 4] if len(run) % 4 == 1 else run
    try:
        data = base64.b64decode(whole.translate(_URL_ALPHABET) + "=" * (-len(whole) % 4))
    except binascii.Error:
        return None
    return _as_text(data)


def _as_text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _readable(text: str) -> bool:
    return bool(_READABLE.fullmatch(text)) and bool(_WORD_GAP.search(text))
