"""Look at the first rows of a source before it is imported: what it is, and what it would become.

Nothing is written. Values are cut, so that what is returned stays small whatever the rows hold.

Not covered: rows of chains whose parents stand further down; they are told as orphans.
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.columns import Columns
from tools.data.conversation import Conversation
from tools.data.convert_rows import convert_rows
from tools.data.layout import Layout, Row
from tools.data.mapping import Mapping
from tools.data.read_source import find_layout, open_source, read_opening, size_of
from tools.data.row_problem import RowProblem
from tools.data.shorten import cut, shorten, spelt
from tools.errors import DatasetError
from tools.hub.fetch_dataset import HubDataset

SHOWN_ROWS = 20
_SHOWN_COLUMNS = 100


class Column(BaseModel):
    """A column of the first rows."""

    model_config = ConfigDict(frozen=True)

    name: str
    shape: str = Field(description="What kind of values it has, e.g. text or list of lists.")
    filled: float = Field(description="Share of the rows that have a value, from 0 to 1.")


class RawRow(BaseModel):
    """A row as it stands in the source."""

    model_config = ConfigDict(frozen=True)

    row: int
    values: dict[str, str] = Field(
        description="Text as it is, anything else as JSON; 500 characters of each at most."
    )


class Inspection(BaseModel):
    """What a source looks like, and what an import would make of it."""

    model_config = ConfigDict(frozen=True)

    source: str
    revision: str | None = Field(description="Commit on the Hub.")
    bytes: int | None
    layout: Layout | None = Field(description="None where the format is not recognised.")
    refusal: str | None = Field(description="Why there is no layout, and what to do.")
    columns: tuple[Column, ...] = Field(description="The first 100.")
    rows: tuple[RawRow, ...] = Field(description="The first 20.")
    conversations: tuple[Conversation, ...] = Field(description="What those rows become.")
    problems: tuple[RowProblem, ...] = Field(description="What is wrong with the first rows.")
    notes: tuple[str, ...] = Field(description="What had to be assumed to read the source.")


def inspect_source(
    source: Path | HubDataset, *, layout: Mapping | None = None, token: str | None = None
) -> Inspection:
    """Return what the first rows of `source` look like.

    A format that is not recognised, and a mapping that does not fit, are told in the answer.

    Raises:
        DatasetError: The source cannot be read, or not one of its rows can.
    """
    opened = open_source(source, token=token)
    opening = read_opening(opened)
    shown = opening.numbered[:SHOWN_ROWS]
    found, refusal = _found(opened.name, opening.rows, layout)
    made = list(convert_rows(iter(shown), found)) if found else []
    unread = [row for _, row in shown if isinstance(row, RowProblem)] if found is None else []
    return Inspection(
        source=opened.name,
        revision=opened.revision,
        bytes=size_of(opened.files),
        layout=found,
        refusal=refusal,
        columns=_columns(opening.rows),
        rows=tuple(_raw(number, row) for number, row in shown if not isinstance(row, RowProblem)),
        conversations=tuple(
            shorten(one) for one in made[:SHOWN_ROWS] if not isinstance(one, RowProblem)
        ),
        problems=tuple(unread or (one for one in made if isinstance(one, RowProblem))),
        notes=opened.reading.notes,
    )


def _found(name: str, rows: list[Row], mapping: Mapping | None) -> tuple[Layout | None, str | None]:
    try:
        return find_layout(name, rows, mapping), None
    except DatasetError as refusal:
        return None, str(refusal)


def _columns(rows: list[Row]) -> tuple[Column, ...]:
    columns = Columns(rows)
    return tuple(
        Column(
            name=name,
            shape=columns.shape(name),
            filled=round(sum(row.get(name) is not None for row in rows) / len(rows), 3),
        )
        for name in columns.names[:_SHOWN_COLUMNS]
    )


def _raw(number: int, row: Row) -> RawRow:
    shown = list(row.items())[:_SHOWN_COLUMNS]
    return RawRow(row=number, values={name: _spelt(value) for name, value in shown})


def _spelt(value: object) -> str:
    return cut(value) if isinstance(value, str) else spelt(value, default=str)
