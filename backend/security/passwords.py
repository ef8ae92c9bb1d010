"""Hash passwords and hold them against their hashes.

A password counts whole, whatever its length and letters: `bcrypt` alone would read 72 bytes of it,
so it gets the SHA-256 of all of them (`bcrypt_sha256`). The library has an error for every oddity;
here a password either fits its hash or does not, and takes the same time.

Not covered: which passwords are good enough (`password_rules.py`) and how many are hashed at once
(`one_at_a_time.py`).
"""

from unicodedata import normalize

from passlib.context import CryptContext  # type: ignore[import-untyped]

MOST_BYTES = 4096
ROUNDS = 12


class UnusablePassword(ValueError):
    """The text cannot be hashed: it is too long."""


class NoText(UnusablePassword):
    """It is no Unicode: half of a character, say."""


class Passwords:
    """Hashes and verifies. More `rounds` take longer: each doubles the time."""

    def __init__(self, rounds: int = ROUNDS) -> None:
        self._context = CryptContext(schemes=["bcrypt_sha256"], bcrypt_sha256__rounds=rounds)
        # Well formed, the hash of nothing: who has no account waits as long as who has one.
        self._nobodys = f"$bcrypt-sha256$v=2,t=2b,r={rounds}${'.' * 22}${'.' * 31}"

    def hash(self, password: str) -> str:
        """Return the hash to keep.

        Raises:
            UnusablePassword: It cannot be hashed.
        """
        try:
            hashed: str = self._context.hash(password_bytes(password))
        except ValueError as error:
            raise UnusablePassword from error
        return hashed

    def verify(self, password: str, hashed: str | None) -> bool:
        """Return whether `password` made `hashed`; None is nobody's, and takes as long."""
        try:
            return self._fits(password_bytes(password), hashed)
        except ValueError:
            return self._fits(b"", None)

    def _fits(self, secret: bytes, hashed: str | None) -> bool:
        fits = bool(self._context.verify(secret, hashed or self._nobodys))
        return fits and hashed is not None


def password_bytes(password: str) -> bytes:
    """Return the bytes that are hashed: the same however a keyboard composes its accents.

    Raises:
        UnusablePassword: There are too many.
        NoText: The text is no Unicode.
    """
    try:
        secret = normalize("NFC", password[: MOST_BYTES + 1]).encode()
    except UnicodeEncodeError as error:
        raise NoText from error
    if len(password) > MOST_BYTES or len(secret) > MOST_BYTES:
        raise UnusablePassword
    return secret
