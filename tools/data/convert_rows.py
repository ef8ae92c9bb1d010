"""Turn all rows of a dataset into conversations, one by one."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.data.conversation import Conversation
from tools.data.convert_chains import convert_chains
from tools.data.convert_row import convert_row
from tools.data.expand_pairs import expand_pairs
from tools.data.layout import Layout, NumberedRow
from tools.data.row_problem import RowProblem


def convert_rows(
    rows: Iterator[NumberedRow], layout: Layout, folder: Path | None = None
) -> Iterator[Conversation | RowProblem]:
    """Yield what each of `rows` becomes.

    A row with several questions and answers becomes several; rows that are chained become fewer.

    Args:
        rows: The rows, and what could not be read as one.
        layout: What the columns mean.
        folder: Where rows of chains wait for the others. The usual place if it is not given.
    """
    if layout.format == "chained":
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as waiting:
            yield from convert_chains(rows, layout, waiting)
        return
    if layout.pairs:
        rows = expand_pairs(rows, layout.pairs)
    for number, row in rows:
        yield row if isinstance(row, RowProblem) else convert_row(number, row, layout)
