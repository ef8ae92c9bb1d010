"""Make rows fit a length: leave the longer ones out, refuse them, or cut their ends.

Cutting keeps the question and loses the end of the answer, and with it the token that ends it. A
row that is cut before its answer begins teaches nothing, and is refused by its number.

Not covered: splitting a long row into several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from tools.errors import TrainingError

if TYPE_CHECKING:
    from tools.training.encode import EncodedRow

LongRows = Literal["leave_out", "refuse", "cut"]


def fit_rows(
    rows: Sequence[EncodedRow], max_length: int, long_rows: LongRows = "leave_out"
) -> list[EncodedRow]:
    """Return the rows that are trained on, each of at most `max_length` tokens.

    Raises:
        TrainingError: A row is longer and none may be, or it would be cut before its answer.
    """
    fitting = []
    for row in rows:
        if len(row.input_ids) <= max_length:
            fitting.append(row)
        elif long_rows != "leave_out":
            problem = problem_of_length(row, max_length, long_rows)
            if problem is not None:
                raise TrainingError(problem)
            fitting.append(cut_row(row, max_length))
    return fitting


def problem_of_length(row: EncodedRow, max_length: int, long_rows: LongRows) -> str | None:
    """Return why a row that is too long is refused, if it is."""
    tokens = len(row.input_ids)
    if tokens <= max_length or long_rows == "leave_out":
        return None
    if long_rows == "refuse":
        return (
            f"Row {row.row} has {tokens:,} tokens, and max_length is {max_length:,}. Raise "
            "max_length, shorten the row, or set long_rows to leave_out or cut."
        )
    start = _first_in_loss(row)
    if start is None or start < max_length:
        return None
    return (
        f"Row {row.row} would be cut before its answer begins, at token {start + 1:,} of "
        f"{tokens:,}; max_length is {max_length:,}. Raise max_length above {start:,}, or set "
        "long_rows to leave_out."
    )


def cut_row(row: EncodedRow, max_length: int) -> EncodedRow:
    """Return the first `max_length` tokens of a row that has more."""
    before, after = row.labels[max_length - 1], row.labels[max_length]
    return replace(
        row,
        input_ids=row.input_ids[:max_length],
        labels=row.labels[:max_length],
        weights=row.weights[:max_length] if row.weights else None,
        cut_from=len(row.input_ids),
        cut_in_answer=min(before, after) >= 0,
    )


def _first_in_loss(row: EncodedRow) -> int | None:
    return next((place for place, label in enumerate(row.labels) if label >= 0), None)
