"""Say which column plays which part, where a dataset is not recognised or is meant differently."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from tools.data.columns import Columns
from tools.data.conversation import Role
from tools.data.convert_row import convert_row
from tools.data.layout import Format, Layout, Row
from tools.data.recognise_format import share_that_fits
from tools.data.row_problem import RowProblem
from tools.data.sound_columns import MAXIMUM_NAME_CHARACTERS
from tools.errors import DatasetError

Part = Literal[
    "messages",
    "prompt",
    "input",
    "answer",
    "thought",
    "system",
    "history",
    "tools",
    "chosen",
    "rejected",
    "label",
    "steps",
    "step_labels",
    "segments",
    "pairs",
    "id",
    "parent",
    "group",
]

_Name = Annotated[str, StringConstraints(max_length=MAXIMUM_NAME_CHARACTERS)]


class Mapping(BaseModel):
    """A format, and the columns that play its parts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Format
    columns: dict[Part, _Name] = Field(
        description='The column of each part, e.g. {"prompt": "Frage", "answer": "Antwort"}.'
    )
    roles: dict[_Name, Role] = Field(
        default_factory=dict,
        max_length=100,
        description='Names of roles, e.g. {"customer": "user"}.',
    )
    role_key: _Name | None = Field(default=None, description="Key of the role in a message.")
    content_key: _Name | None = Field(default=None, description="Key of the text in a message.")


_PAIR: tuple[Part, ...] = ("prompt", "answer")
_BESIDE: tuple[Part, ...] = ("system", "tools", "group")

# What each format needs, and what it may have beside the parts that all may have.
_PARTS: dict[Format, tuple[tuple[Part, ...], tuple[Part, ...]]] = {
    "messages": (("messages",), ()),
    "sharegpt": (("messages",), ()),
    "alpaca": (_PAIR, ("input", "history", "thought")),
    "prompt-completion": (_PAIR, ("input", "history", "thought")),
    "question-answer": (_PAIR, ("pairs", "thought")),
    "harmony": (_PAIR, ("thought",)),
    "chained": ((*_PAIR, "id", "parent"), ("input", "thought")),
    "preference": (("chosen", "rejected"), ("prompt", "messages", "input", "history")),
    "unpaired-preference": (("label",), ("messages", *_PAIR, "input", "history", "thought")),
    "stepwise": (("prompt", "steps", "step_labels"), ("input",)),
    "prompt-only": (("prompt",), ("input",)),
    "segments": (("segments",), ()),
    "text": (("answer",), ()),
}


def layout_of(mapping: Mapping, name: str, rows: Sequence[Row]) -> Layout:
    """Return the layout that a mapping means, once it fits the first rows of the dataset `name`.

    Raises:
        DatasetError: A part that is needed is missing, a column is not there, or not one of the
            rows fits. The text names the column.
    """
    needed, optional = _PARTS[mapping.format]
    missing = [part for part in needed if part not in mapping.columns]
    if mapping.format == "unpaired-preference" and "messages" not in mapping.columns:
        missing += [part for part in _PAIR if part not in mapping.columns]
    if missing:
        raise DatasetError(f"The format {mapping.format} needs a column for: {', '.join(missing)}.")
    unused = [part for part in mapping.columns if part not in (*needed, *optional, *_BESIDE)]
    if unused:
        raise DatasetError(
            f"The format {mapping.format} has no part {unused[0]!r}. Leave it out, or choose "
            "another format."
        )
    _check_columns(mapping, name, rows)
    layout = Layout(
        format=mapping.format,
        roles=mapping.roles,
        role_key=mapping.role_key,
        content_key=mapping.content_key,
        **dict(mapping.columns),
    )
    return layout.model_copy(update={"confidence": _share(layout, name, rows)})


def _check_columns(mapping: Mapping, name: str, rows: Sequence[Row]) -> None:
    """Refuse a column that is in none of the rows. Those of pairs in a list are not looked for."""
    names = Columns(rows).names
    inner = _PAIR if "pairs" in mapping.columns else ()
    for part, column in mapping.columns.items():
        if part not in inner and column not in names:
            raise DatasetError(
                f"{name!r} has no column {column[:40]!r} for the part {part!r}. Its first rows "
                f"have: {', '.join(one[:40] for one in names[:12])}."
            )


def _share(layout: Layout, name: str, rows: Sequence[Row]) -> float:
    share = share_that_fits(rows, layout)
    if share == 0:
        refused = (convert_row(place, row, layout) for place, row in enumerate(rows, start=1))
        first = next(one for one in refused if isinstance(one, RowProblem))
        raise DatasetError(
            f"{name!r} does not fit the format {layout.format}: column {first.field!r}: "
            f"{first.problem}. {first.remedy}"
        )
    return share
