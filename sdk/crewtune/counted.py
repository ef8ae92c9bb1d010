"""Say how many of something there are, on the terminal and on the screens.

Not covered: nouns whose plural does more than end in s.
"""


def counted(number: int, thing: str) -> str:
    """Return how many things there are: 1 row, 2,000 rows."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
