"""Say how many of something there are.

Not covered: nouns whose plural does more than end in s, and verbs.
"""


def counted(count: int, noun: str) -> str:
    """Return `count` and `noun`, as in 1 row and 2,000 rows."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
