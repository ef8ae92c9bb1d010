"""Put together the conversations of a table in which every row names the row before it.

A row holds a question, an answer, its id and the id of its parent; a child may stand before its
parent. Every row that is no parent ends a conversation, which begins at the row without one, so
branches share their beginning. They are of one group, as a split must not part them.

What is held in memory is the ids and the places of the rows, some 300 bytes a row; the rows
themselves wait in a file.
"""

import hashlib
import math
import re
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from tools.data.conversation import Conversation, Message
from tools.data.convert_row import convert_row
from tools.data.layout import Layout, NumberedRow
from tools.data.row_problem import Kind, RowProblem
from tools.errors import DatasetError

MAXIMUM_LINKS = 100
MAXIMUM_ROWS = 4_000_000  # of which the ids take a gigabyte and more
_GROUP_DIGITS = 16
_ID_CHARACTERS = 64  # a longer id is held as its hash
_WHOLE = re.compile(r"(-?[0-9]{1,18})\.0")


class _Link(NamedTuple):
    """Where a row waits, and what it follows."""

    place: int
    length: int
    parent: str
    row: int


def convert_chains(
    rows: Iterator[NumberedRow], layout: Layout, waiting: BinaryIO
) -> Iterator[Conversation | RowProblem]:
    """Yield the conversations that `rows` form, and what is wrong with the rows that form none.

    Args:
        rows: The rows of the table, in any order.
        layout: Names the columns.
        waiting: An empty file, which is written and read.

    Raises:
        DatasetError: There are too many rows to hold their ids.
    """
    links: dict[str, _Link] = {}
    for number, row in rows:
        if isinstance(row, RowProblem):
            yield row
            continue
        converted = convert_row(number, row, layout)
        if isinstance(converted, RowProblem):
            yield converted
            continue
        own, parent = (_key(row.get(name or "")) for name in (layout.id, layout.parent))
        if not own or own in links:
            yield _bad_id(number, layout, repeated=bool(own))
            continue
        if len(links) == MAXIMUM_ROWS:
            raise DatasetError(
                f"Chained tables of more than {MAXIMUM_ROWS:,} rows are not read. Import a part "
                "of it, with whole conversations."
            )
        data = converted.model_dump_json(exclude_defaults=True).encode()
        links[own] = _Link(waiting.tell(), len(data), parent, number)
        waiting.write(data)
    yield from _joined(links, layout, waiting)


def _joined(
    links: dict[str, _Link], layout: Layout, waiting: BinaryIO
) -> Iterator[Conversation | RowProblem]:
    parents = {link.parent for link in links.values() if link.parent}
    reached: set[str] = set()
    for own in links:
        if own not in parents:
            chain = _chain(own, links, layout)
            if isinstance(chain, RowProblem):
                yield chain
            else:
                reached.update(chain)
                yield _conversation([links[one] for one in chain], chain[0], waiting)
    for own in links:
        # A ring has no end, so no chain has reached it.
        if own in parents and own not in reached and _in_cycle(own, links):
            yield _lost(links[own].row, layout, "it is among its own parents", "cycle")


def _chain(own: str, links: dict[str, _Link], layout: Layout) -> list[str] | RowProblem:
    """Return the ids from the first turn to the row `own`."""
    row, chain = links[own].row, [own]
    while parent := links[chain[-1]].parent:
        if parent not in links:
            return _lost(row, layout, "a row before it is missing or was left out", "orphan")
        if parent in chain:
            return _lost(row, layout, "the rows before it go round in a circle", "cycle")
        if len(chain) == MAXIMUM_LINKS:
            return _lost(row, layout, f"more than {MAXIMUM_LINKS} rows are before it", "too_long")
        chain.append(parent)
    return chain[::-1]


def _in_cycle(own: str, links: dict[str, _Link]) -> bool:
    parent, steps = links[own].parent, 1
    while parent in links and parent != own and steps <= MAXIMUM_LINKS:
        parent, steps = links[parent].parent, steps + 1
    return parent == own


def _conversation(chain: list[_Link], root: str, waiting: BinaryIO) -> Conversation:
    parts = [_waiting(link, waiting) for link in chain]
    messages: list[Message] = list(parts[0].messages)
    for part in parts[1:]:
        messages += (message for message in part.messages if message.role != "system")
    group = parts[0].group or hashlib.sha256(root.encode()).hexdigest()[:_GROUP_DIGITS]
    return parts[0].model_copy(
        update={"messages": tuple(messages), "group": group, "row": chain[-1].row}
    )


def _waiting(link: _Link, waiting: BinaryIO) -> Conversation:
    waiting.seek(link.place)
    return Conversation.model_validate_json(waiting.read(link.length))


def _key(value: object) -> str:
    """Return an id as text; numbers that a table spells 7 here and 7.0 there are the same."""
    if isinstance(value, float):
        return "" if math.isnan(value) else _key(str(value))
    text = str(value).strip() if isinstance(value, str | int) else ""
    whole = _WHOLE.fullmatch(text)
    if len(text) > _ID_CHARACTERS:
        return hashlib.sha256(text.encode()).hexdigest()
    return whole[1] if whole else text


def _bad_id(number: int, layout: Layout, *, repeated: bool) -> RowProblem:
    return RowProblem(
        row=number,
        field=layout.id or "id",
        problem="another row has the same id" if repeated else "it has no id",
        remedy="Give every row an id of its own.",
        kind="repeated_id" if repeated else "missing",
    )


def _lost(number: int, layout: Layout, problem: str, kind: Kind) -> RowProblem:
    field = layout.parent or "parent_id"
    remedy = f"Correct `{field}`, or leave it empty where a conversation begins."
    return RowProblem(row=number, field=field, problem=problem, remedy=remedy, kind=kind)
