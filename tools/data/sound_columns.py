"""Leave out rows whose columns nobody could read: thousands of them, or names as long as texts.

The names of columns stand in reports, in refusals and in what a user chooses from, so that they
must be few and short whatever a file says. Nothing is held but the row at hand.

Not covered: keys further inside a row, which stand in no report.
"""

from collections.abc import Iterable, Iterator

from tools.data.layout import NumberedRow, Row
from tools.data.row_problem import RowProblem

MAXIMUM_COLUMNS = 1000
MAXIMUM_NAME_CHARACTERS = 200


def with_sound_columns(rows: Iterable[NumberedRow]) -> Iterator[NumberedRow]:
    """Yield `rows`, with a problem in place of each that has too many or too long columns."""
    for number, row in rows:
        if isinstance(row, RowProblem) or not (problem := _problem(row)):
            yield number, row
        else:
            yield (
                number,
                RowProblem(
                    row=number,
                    field="",
                    problem=problem,
                    remedy="Keep only the columns with the prompts and answers.",
                    kind="too_long",
                ),
            )


def _problem(row: Row) -> str:
    if len(row) > MAXIMUM_COLUMNS:
        return f"it has {len(row):,} columns, {MAXIMUM_COLUMNS:,} at most are read"
    if max(map(len, row), default=0) > MAXIMUM_NAME_CHARACTERS:
        return f"the name of a column has more than {MAXIMUM_NAME_CHARACTERS} characters"
    return ""
