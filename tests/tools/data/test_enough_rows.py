"""A dataset that is too small is refused with every reason why rows were left out."""

import re

import pytest

from tools.data.enough_rows import MINIMUM_ROWS, refuse_too_few
from tools.errors import DatasetError


@pytest.mark.parametrize(
    ("kept", "left_out", "message"),
    [
        (1, {}, "Only 1 usable row is left of 1, 20 are needed. Add more examples."),
        (
            12,
            {"empty_answer": [*range(13, 23)], "null_as_text": [23], "repeated": []},
            "Only 12 usable rows are left of 23, 20 are needed. Left out: 10 empty_answer "
            "(rows 13, 14, 15, 16, 17, ...), 1 null_as_text (row 23). Repair the faulty rows or "
            "add more examples.",
        ),
        (
            2,
            {"repeated": [3, 4]},
            "Only 2 usable rows are left of 4, 20 are needed. Left out: 2 repeated (rows 3, 4). "
            "Add more examples that differ.",
        ),
        (
            2,
            {"empty_answer": [5], "repeated": [3, 4]},
            "Only 2 usable rows are left of 5, 20 are needed. Left out: 1 empty_answer (row 5), "
            "2 repeated (rows 3, 4). Repair the faulty rows or add more examples that differ.",
        ),
    ],
)
def test_too_few_rows_are_refused_with_the_reasons(
    kept: int, left_out: dict[str, list[int]], message: str
) -> None:
    with pytest.raises(DatasetError, match=rf"\A{re.escape(message)}\Z"):
        refuse_too_few(kept, left_out)


def test_enough_rows_are_not_refused() -> None:
    refuse_too_few(MINIMUM_ROWS, {"repeated": [1] * 1000})
