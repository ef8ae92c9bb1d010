"""What a training would learn from and be measured by, before there is one."""

import streamlit as st

from crewtune import Dataset, Job, Studio
from crewtune.counted import counted
from frontend.data.repairs import draw_steps
from frontend.data.watch import draw_job, keep_job
from frontend.telling import Once


def draw_rehearsal(client: Studio, dataset: Dataset) -> None:
    """Draw what a training would begin with."""
    st.caption("What a training would learn from and be measured by. Nothing is changed.")
    clicked = st.button("Preview the split", type="primary", key="data_rehearse")
    once = Once("data_rehearse", clicked=clicked)
    if clicked:
        asked = {"name": dataset.name, "version": dataset.version}
        job = once.send(asked, lambda: client.rehearse(dataset.name))
        keep_job("rehearse", dataset, job)
    draw_job(client, "rehearse", dataset, _draw_split)


def _draw_split(job: Job) -> None:
    result = job.result or {}
    split = result.get("split", {})
    parts = {"To train on": "train", "To watch the loss": "validation", "Held out": "heldout"}
    st.badge(result.get("verdict", ""), color="green")
    for place, (label, part) in zip(st.columns(3), parts.items(), strict=True):
        place.metric(label, counted(split.get(f"{part}_rows", 0), "row"), border=True)
    draw_steps(result)
    with st.expander("Everything the split says"):
        st.json(split)
