"""What was asked about a dataset last: the job is kept for the dataset, and drawn with it alone."""

from collections.abc import Callable

import streamlit as st

from crewtune import Dataset, Job, Studio
from frontend.jobs import await_end, draw_state


def keep_job(what: str, dataset: Dataset, job: Job) -> None:
    """Let `draw_job` draw `job` from now on."""
    st.session_state[_key(what, dataset)] = str(job.id)


def draw_job(
    client: Studio, what: str, dataset: Dataset, draw_result: Callable[[Job], None]
) -> None:
    """Draw the job that was kept: its state until it has succeeded, then its result."""
    job_id = st.session_state.get(_key(what, dataset))
    if job_id is None:
        return
    job = client.job(job_id)
    if job.succeeded:
        draw_result(job)
    elif job.ended:
        draw_state(job)
    else:
        await_end(client, job_id)


def _key(what: str, dataset: Dataset) -> str:
    return f"data_{what}_job_{dataset.name}"
