"""A count stands with its noun in the right number."""

import pytest

from tools.counted import counted


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1000, "1,000 rows")]
)
def test_one_row_is_said_otherwise_than_several(count: int, said: str) -> None:
    assert counted(count, "row") == said
