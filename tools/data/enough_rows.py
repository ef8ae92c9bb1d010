"""How much data a training and its proof need, and the refusal of less, with every reason."""

from collections.abc import Mapping, Sequence

from tools.errors import DatasetError

MINIMUM_ROWS = 20  # to train and to hold some out
# Held out, with distinct prompts: an interval of fewer is too short to be trusted.
MINIMUM_PROMPTS = 20
REPEATED = "repeated"

_LISTED_ROWS = 5


def refuse_too_few(rows_kept: int, left_out: Mapping[str, Sequence[int]]) -> None:
    """Refuse a dataset of which fewer than 20 rows are left.

    Args:
        rows_kept: Rows that can be used.
        left_out: The numbers of the other rows, by the reason each was left out for.

    Raises:
        DatasetError: `rows_kept` is below 20.
    """
    if rows_kept >= MINIMUM_ROWS:
        return
    left = "row is" if rows_kept == 1 else "rows are"
    rows_read = rows_kept + sum(map(len, left_out.values()))
    reasons = [f"{len(rows)} {reason} ({_some(rows)})" for reason, rows in left_out.items() if rows]
    why = f" Left out: {', '.join(reasons)}." if reasons else ""
    faulty = any(rows for reason, rows in left_out.items() if reason != REPEATED)
    remedy = "Repair the faulty rows or add" if faulty else "Add"
    raise DatasetError(
        f"Only {rows_kept} usable {left} left of {rows_read}, {MINIMUM_ROWS} are needed."
        f"{why} {remedy} more examples{' that differ' if left_out.get(REPEATED) else ''}."
    )


def _some(rows: Sequence[int]) -> str:
    more = ", ..." if len(rows) > _LISTED_ROWS else ""
    noun = "row" if len(rows) == 1 else "rows"
    return f"{noun} {', '.join(str(row) for row in rows[:_LISTED_ROWS])}{more}"
