"""One spelling for every username, so that no two accounts look the same."""

import re
from typing import Annotated
from unicodedata import normalize

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

_CANONICAL = re.compile(r"[a-z0-9._-]{3,32}")
_LONGEST_SENT = 128


def canonical_username(given: str) -> str | None:
    """Return the spelling under which an account is kept, or None when there can be none.

    Wide and capital letters become plain ones. Letters of other alphabets that look like Latin
    ones, and invisible characters, are no part of a username.
    """
    plain = normalize("NFKC", normalize("NFKC", given[: _LONGEST_SENT + 1]).casefold())
    return plain if _CANONICAL.fullmatch(plain) else None


def _check(given: str) -> str:
    username = canonical_username(given)
    if username is None:
        raise PydanticCustomError(
            "invalid_username",
            "A username has 3 to 32 of the characters a-z, 0-9, '.', '_' and '-'",
        )
    return username


Username = Annotated[
    str,
    Field(json_schema_extra={"pattern": "^[a-z0-9._-]{3,32}$"}),
    AfterValidator(_check),
]
