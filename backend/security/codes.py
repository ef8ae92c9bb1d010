"""Make what is shown once, and know it again by its SHA-256.

A code has at least 144 random bits. Nobody guesses it, so a fast hash keeps it safe, and looking it
up by that hash tells nothing by the time it takes.
"""

from hashlib import sha256
from secrets import token_urlsafe

API_KEY = "ct_"
REFRESH_TOKEN = "ctr_"
INVITATION = "cti_"
SETUP = "cts_"


def new_code(prefix: str, random_bytes: int = 32) -> str:
    """Return a new code that begins with what it is for."""
    return prefix + token_urlsafe(random_bytes)


def code_sha256(code: str) -> str:
    """Return what is kept of `code`; also of text that is no code, or no Unicode."""
    return sha256(code.encode("utf-8", "surrogatepass")).hexdigest()
