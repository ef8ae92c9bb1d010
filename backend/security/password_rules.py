"""Which passwords are good enough: long ones that nobody would try first.

No rule asks for digits or signs; they make passwords worse. Length and not being common do.
"""

from functools import cache
from pathlib import Path
from string import digits

from backend.security.passwords import MOST_BYTES, NoText, UnusablePassword, password_bytes

LEAST_CHARACTERS = 15
_COMMON = Path(__file__).parent / "common_passwords.txt"
_SHORT_PATTERN = 4  # characters; what only repeats so few is no password
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890123456789",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)


class PasswordRefused(ValueError):
    """The password is not good enough. `code` names the rule, the text says it to a person."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def check_password(password: str, username: str) -> None:
    """Accept `password` for the account `username`.

    Raises:
        PasswordRefused: It is no text, too long, too common or too short.
    """
    try:
        password_bytes(password)
    except NoText as error:
        raise PasswordRefused("bad_unicode", "A password is Unicode text.") from error
    except UnusablePassword as error:
        detail = f"A password has at most {MOST_BYTES} bytes."
        raise PasswordRefused("too_long", detail) from error
    if _common(password, username):
        detail = "This password is one of the first that would be tried. Choose another."
        raise PasswordRefused("too_common", detail)
    if len(password) < LEAST_CHARACTERS:
        detail = f"A password has at least {LEAST_CHARACTERS} characters: try a few words."
        raise PasswordRefused("too_short", detail)


def _common(password: str, username: str) -> bool:
    folded = "".join(password.casefold().split())
    pattern = _pattern(folded)
    if len(pattern) <= _SHORT_PATTERN or any(pattern in row + row[::-1] for row in _ROWS):
        return True
    bare = _bare(folded)
    core = bare.strip(digits)
    forms = {folded, bare, core, _pattern(bare), _pattern(core)}
    return bool(forms & (_known() | {username, _bare(username)} - {""}))


def _bare(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum())


def _pattern(text: str) -> str:
    """Return the shortest beginning that, repeated, makes `text`: 'ab' for 'ababab'."""
    return text[: (text + text).find(text, 1)] if text else ""


@cache
def _known() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split())
