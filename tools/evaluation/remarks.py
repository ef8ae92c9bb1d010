"""What a reader has to know beside the figures: answers that were cut, and rows that were left out.

The sentences follow from the verdict's own numbers and decide nothing.
"""

from collections.abc import Mapping

_MOST_CUT = 0.1  # of a candidate's answers, before it is said
_SPEAKERS = {"base": "the base", "tuned": "the tuned model", "champion": "the champion"}


def on_cut_answers(stopped: Mapping[str, float]) -> tuple[str, ...]:
    """Say which candidates were cut short in more than a tenth of the rows.

    Args:
        stopped: The share of answers that ended by themselves, by candidate.
    """
    return tuple(
        f"Only {int(100 * share)} % of the answers of {_SPEAKERS.get(name, name)} ended by "
        "themselves. The others were cut, and are scored as they were then."
        for name, share in stopped.items()
        if share < 1 - _MOST_CUT
    )


def on_long_rows(rows_left_out: int, rows_kept: int, *, part: str) -> tuple[str, ...]:
    """Say how many rows of a `part` of the data, such as "held-out", were too long."""
    if rows_left_out == 0:
        return ()
    are = "is" if rows_left_out == 1 else "are"
    return (
        f"{rows_left_out} of {rows_left_out + rows_kept} {part} rows {are} too long, and left out.",
    )
