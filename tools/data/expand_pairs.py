"""Turn a row with a list of questions and answers into a row for each of them.

The new rows keep the number and the other columns of the row they come from, so that pairs of
one document can stay together.
"""

from collections.abc import Iterator, Mapping

from tools.data.layout import NumberedRow
from tools.data.row_problem import RowProblem


def is_pair_list(value: object) -> bool:
    """Tell whether `value` is a list that begins with a question and its answer."""
    return isinstance(value, list) and bool(value) and _is_pair(value[0])


def expand_pairs(rows: Iterator[NumberedRow], column: str) -> Iterator[NumberedRow]:
    """Yield a row for each pair in `column`, and a problem for what is no list of pairs."""
    for number, row in rows:
        pairs = row if isinstance(row, RowProblem) else row.get(column)
        if isinstance(row, RowProblem):
            yield number, row
        elif not isinstance(pairs, list) or not pairs:
            yield number, _problem(number, column, "there are no questions and answers")
        else:
            beside = {name: value for name, value in row.items() if name != column}
            for place, pair in enumerate(pairs, start=1):
                if isinstance(pair, Mapping) and _is_pair(pair):
                    yield number, {**beside, "question": None, "answer": None, **pair}
                else:
                    problem = f"entry {place} is no question with an answer"
                    yield number, _problem(number, column, problem)


def _is_pair(value: object) -> bool:
    return isinstance(value, Mapping) and {"question", "answer"} <= value.keys()


def _problem(number: int, column: str, problem: str) -> RowProblem:
    remedy = 'Write a list of {"question": "...", "answer": "..."}.'
    return RowProblem(row=number, field=column, problem=problem, remedy=remedy, kind="bad_pairs")
