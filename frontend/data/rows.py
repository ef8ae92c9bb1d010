"""Rows of a dataset, by the page or one by its number."""

from typing import Any, Literal

import streamlit as st

from crewtune import Dataset, Row, RowPage, Studio
from crewtune.counted import counted
from frontend.words import plain

_ROWS = 10


def draw_rows(client: Studio, dataset: Dataset) -> None:
    """Draw a page of rows, or one row."""
    left, right = st.columns([1, 3], vertical_alignment="bottom")
    number = left.number_input("Row number", 0, key="data_row", help="0 shows page by page.")
    if number:
        page = client.rows(dataset.name, row=number, limit=1)
        if not page.rows:
            st.info(f"The dataset has no row {number}.")
        return draw_page(page)
    pages = max(1, -(-dataset.rows // _ROWS))
    shown = right.number_input(f"Page, of {pages:,}", 1, pages, 1, key="data_page", width=160)
    offset = (shown - 1) * _ROWS
    page = client.rows(dataset.name, offset=offset, limit=_ROWS)
    draw_page(page)
    hidden = min(_ROWS, page.total - offset) - len(page.rows)
    if hidden > 0:
        st.caption(
            f"{counted(hidden, 'more row')} of this page: too long to show at once. "
            "Look at each by its number."
        )
    return None


def go_to_row(number: int) -> None:
    """Turn to the rows, at the one with that number. For a callback alone.

    A callback runs before anything is drawn; set in a run of its own, after `st.rerun`, the view
    would undo a click that came in between.
    """
    st.session_state["data_row"] = number
    st.session_state["data_view"] = "Rows"


def draw_page(page: RowPage, *, narrow: bool = False) -> None:
    """Draw the rows of a page; `narrow` where two of them stand side by side."""
    for row in page.rows:
        with st.container(border=True):
            st.caption(f"Row {row.row}")
            for who, text in parts_of(row):
                role, said = st.columns([1, 3] if narrow else [1, 8])
                role.caption(plain(who))
                said.text(text or "(empty)")


def parts_of(row: Row) -> list[tuple[str, str]]:
    """Return everything that a row says, each with who says it."""
    parts = [(_role(one), _words(one)) for one in row.messages]
    parts += [("chosen", _words(one)) for one in _side(row, "chosen")]
    parts += [("rejected", _words(one)) for one in _side(row, "rejected")]
    for piece in row.segments:
        parts.append(("learnt" if piece.get("label") else "not learnt", piece["text"]))
    for piece in row.steps:
        parts.append(("right" if piece.get("label") else "wrong", piece["text"]))
    return parts


def _side(row: Row, side: Literal["chosen", "rejected"]) -> tuple[dict[str, Any], ...]:
    return row.chosen if side == "chosen" else row.rejected


def _role(message: dict[str, Any]) -> str:
    return f"{message['role']} (not learnt)" if message.get("weight") == 0 else message["role"]


def _words(message: dict[str, Any]) -> str:
    thought = message.get("reasoning_content")
    calls = [f"{one['name']}({one['arguments']})" for one in message.get("tool_calls", ())]
    pieces = [f"(thinks) {thought}" if thought else "", message.get("content", ""), *calls]
    return "\n".join(piece for piece in pieces if piece)
