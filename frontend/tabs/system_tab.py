"""What the studio runs on and how busy it is; one's account; and for admins who may come in."""

import streamlit as st

from crewtune import Studio, System
from frontend.tabs.account import draw_account
from frontend.tabs.people import draw_people
from frontend.telling import told
from frontend.words import plain


def render(client: Studio) -> None:
    """Draw the tab."""
    _draw_live(client)
    with told():
        draw_account(client)
        if client.me().role == "admin":
            draw_people(client)


@st.fragment(run_every="5s")
def _draw_live(client: Studio) -> None:
    with told():
        system = client.system()
        st.subheader("Studio")
        _draw_facts(system)
        _draw_queues(system)
        left, right = st.columns(2)
        with left.expander("Hardware"):
            if system.hardware is None:
                st.caption("It is still being looked at.")
            else:
                st.json(system.hardware)
        with right.expander("Libraries"):
            rows = [{"Library": name, "Version": str(v)} for name, v in system.libraries.items()]
            st.dataframe(rows, hide_index=True, key="system_libraries")


def _draw_facts(system: System) -> None:
    version, disk, mlflow, llm = st.columns(4)
    version.metric("CrewTune", system.version or "-", border=True)
    free = f"{system.disk.free_gib:.0f} of {system.disk.total_gib:.0f} GiB"
    disk.metric("Free disk", free, border=True)
    reachable = "answers" if system.mlflow.reachable else "does not answer"
    mlflow.metric("MLflow", reachable, border=True)
    llm.metric("Agents think with", system.language_model or "rules", border=True)
    if system.mlflow.url and system.mlflow.reachable:
        st.link_button("Open MLflow", system.mlflow.url)
    elif not system.mlflow.reachable:
        st.info("Metrics are kept meanwhile and sent when MLflow is back.")


def _draw_queues(system: System) -> None:
    rows = [
        {
            "Queue": name,
            "At once": queue.slots,
            "Running": queue.running,
            "Waiting": queue.waiting,
        }
        for name, queue in system.queues.items()
    ]
    st.dataframe(rows, hide_index=True, key="system_queues")
    if any(row["Running"] == row["At once"] and row["Waiting"] for row in rows):
        st.caption(plain("A full queue is no fault: jobs wait, and begin by themselves."))
