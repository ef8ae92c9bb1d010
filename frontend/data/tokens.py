"""Rows as a model reads them: tokens, those that are learnt in green, those that are cut struck."""

import html
from typing import Any, Literal

import streamlit as st

from crewtune import Dataset, Job, Studio
from frontend.data.watch import draw_job, keep_job
from frontend.telling import Once
from frontend.words import plain

_STYLE = (
    "<style>.tok{font-family:monospace;white-space:pre-wrap;line-height:1.9}"
    ".tok span{padding:1px 0;border-right:1px solid rgba(128,128,128,.35)}"
    ".tok .l{background:#b7e4c7;color:#081c15}.tok .s{color:#9d4edd;font-weight:600}"
    ".tok .c{text-decoration:line-through;color:#d00000}</style>"
)
_COLOURS: dict[str, Literal["green", "orange", "red"]] = {
    "trained": "green",
    "left_out": "orange",
    "refused": "red",
}


def draw_tokens(client: Studio, dataset: Dataset) -> None:
    """Draw the form and what it asked for."""
    with st.form("data_tokens"):
        left, middle, right = st.columns(3)
        # What a training can begin with: a tuned model has no name of its own.
        names = [one.name for one in client.models() if one.kind != "tuned"]
        model = left.selectbox("Model", names, key="data_tokens_model")
        row = middle.number_input("Row", 0, key="data_tokens_row", help="0 shows the first five.")
        length = right.number_input(
            "Most tokens", 16, 131_072, 1024, key="data_tokens_length", help="max_length"
        )
        text = st.text_area("Or a text", key="data_tokens_text", height=68)
        sent = st.form_submit_button("Show the tokens", type="primary")
    once = Once("data_tokens", clicked=sent)
    if sent and model:
        asked: dict[str, Any] = {"model": model, "max_length": length}
        if text.strip():
            asked["text"] = text
        else:
            asked |= {"dataset": dataset.name, "rows": [row] if row else []}
        job = once.send(asked, lambda: client.preview_tokens(**asked))
        keep_job("tokens", dataset, job)
    draw_job(client, "tokens", dataset, _draw_preview)


def _draw_preview(job: Job) -> None:
    shown = job.result or {}
    st.caption(
        f"Chat template: {plain(shown['chat_template'])}. Green is learnt, purple is a marker, "
        "struck out is cut."
    )
    for row in shown["rows"]:
        with st.container(border=True):
            st.badge(row["verdict"].replace("_", " "), color=_COLOURS[row["verdict"]])
            st.caption(
                f"Row {row['row']}: {row['tokens_in_loss']:,} of {row['length']:,} tokens are "
                f"learnt; the answer ends with {plain(row['stop_token'] or 'nothing')}."
            )
            if row["reason"]:
                st.warning(plain(row["reason"]))
            # Every piece of a row is escaped: it is text, whatever it says.
            st.html(_STYLE + f'<div class="tok">{"".join(map(_span, row["tokens"]))}</div>')


def _span(token: dict[str, Any]) -> str:
    kind = "c" if token["cut"] else "l" if token["in_loss"] else "s" if token["special"] else ""
    text = html.escape(token["text"]).replace("\n", "⏎\n")
    return f'<span class="{kind}" title="{token["id"]}">{text}</span>'
