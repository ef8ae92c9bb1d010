"""Regular expressions in time that grows with the text alone, however they are written.

They are those of RE2, which has no way to take steps back: `(a+)+b` and a million letters are read
in milliseconds. What cannot be done so is refused: references back and looking around.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

LONGEST_PATTERN = 2_000


@lru_cache(maxsize=256)
def linear_pattern(pattern: str) -> Any:
    """Return `pattern` compiled, with `fullmatch` and `search` as in `re`.

    Raises:
        ValueError: It is not a regular expression of that kind.
    """
    import re2  # type: ignore[import-untyped]

    options = re2.Options()
    options.log_errors = False  # it would write to the terminal
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"a regular expression may have {LONGEST_PATTERN:,} characters")
    try:
        return re2.compile(pattern, options=options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if isinstance(error, re2.error) and error.args else b"its characters"
        told = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(
            f"the regular expression cannot be used ({told}); references back and looking around "
            "are not allowed"
        ) from error
