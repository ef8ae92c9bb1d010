"""How a job is drawn, the same in every tab: its state, its place in the queue, what went wrong."""

from typing import Literal

import streamlit as st
from streamlit.errors import StreamlitAPIException

from crewtune import Job, Studio
from frontend.telling import toast, told
from frontend.words import ago, duration, plain

_Colour = Literal["gray", "blue", "orange", "green", "red"]
_COLOURS: dict[str, _Colour] = {
    "queued": "gray",
    "running": "blue",
    "interrupted": "orange",
    "succeeded": "green",
    "failed": "red",
    "cancelled": "gray",
}


def place_of(job: Job) -> str:
    """Return where the job stands, in a few words."""
    if job.status == "queued":
        ahead = job.position or 0
        return "next in the queue" if ahead == 0 else f"{ahead} before it in the queue"
    if job.status == "running":
        if job.cancel_requested:
            return "stopping"
        left = "" if job.seconds_left is None else f", about {duration(job.seconds_left)} left"
        return f"{job.percent:.0f} %{left}"
    if job.status == "interrupted":
        return "its worker was lost; it goes on by itself from its last checkpoint"
    return ago(job.ended_at)


def label_of(job: Job) -> str:
    """Return a line that names the job, without its state: a list keeps what it once showed."""
    asked = job.request
    named = "comparison with the base" if "training" in asked else asked.get("name", "")
    what = asked.get("dataset") or named
    model = f"{asked['model']} on " if "model" in asked else ""
    return f"#{job.number} · {model}{what}"


def draw_state(job: Job) -> None:
    """Draw the job's state and, while it works, how far it is."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(job.status, color=_COLOURS.get(job.status, "gray"))
        st.caption(f"Job #{job.number} · {place_of(job)}", width="content")
    if job.status == "running":
        st.progress(min(max(job.percent, 0.0), 100.0) / 100)
    if job.error is not None:
        st.error(f"{plain(job.error.reason)} ({plain(job.error.code)})")


@st.fragment(run_every="1s")
def await_end(client: Studio, job_id: str) -> None:
    """Draw the state of a job until it ends; then draw the whole page anew."""
    with told():
        job = client.job(job_id)
        if job.ended:
            st.rerun()
        draw_state(job)


def choose_job(jobs: list[Job], label: str, *, key: str) -> Job:
    """Draw the choice among `jobs`, and return the chosen one: the first, until one is chosen."""
    by_id = {str(job.id): job for job in jobs}
    wanted = st.session_state.pop(f"{key}_wanted", None)
    chosen = wanted if wanted in by_id else st.session_state.get(key)
    st.session_state[key] = chosen if chosen in by_id else next(iter(by_id))
    job_id = st.selectbox(
        label,
        list(by_id),
        format_func=lambda one: label_of(by_id[one]) if one in by_id else one,
        key=key,
    )
    return by_id[job_id]


def turn_to(job: Job, *, key: str) -> None:
    """Let `choose_job` show `job` from now on."""
    st.session_state[f"{key}_wanted"] = str(job.id)
    _redraw()


def _redraw() -> None:
    try:
        st.rerun(scope="fragment")
    except StreamlitAPIException:  # the whole page is being drawn
        st.rerun()


def draw_actions(client: Studio, job: Job, *, key: str) -> None:
    """Draw what can be done about the job: cancel it, or go on with it."""
    if not job.ended:
        stop = st.button("Cancel", key=f"{key}_cancel", disabled=job.cancel_requested)
        if stop:
            with told(toast):
                client.cancel(job.id)
                _redraw()
    elif job.status in ("failed", "cancelled"):
        again = st.button("Resume", key=f"{key}_resume", help="Goes on from the last checkpoint.")
        if again:
            with told(toast):
                resumed = client.resume(job.id)
                toast(f"Job #{resumed.number} goes on with it.")
                turn_to(resumed, key=f"{key}_job")


def draw_log(lines: list[str], *, height: int = 220) -> None:
    """Draw the latest sentences of a log, as plain text."""
    st.code("\n".join(lines[-200:]) or "Nothing has been said yet.", language=None, height=height)
