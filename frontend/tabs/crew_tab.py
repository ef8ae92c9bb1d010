"""Say a goal, and watch four agents reach it: what each called, what came back, the verdict."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from crewtune import Job, Studio
from frontend.charts import draw_training
from frontend.feed import read_feed
from frontend.jobs import choose_job, draw_actions, draw_log, draw_state
from frontend.telling import Once, told
from frontend.verdict import draw_verdict
from frontend.words import count, duration, plain, told_in_brief

_AGENTS = {
    "Data Manager": "Makes the data fit to train on.",
    "Training Specialist": "Chooses the recipe and trains.",
    "Evaluation Expert": "Compares with the base.",
    "MLflow Monitor": "Records, registers, promotes.",
}


def render(client: Studio) -> None:
    """Draw the tab."""
    st.subheader("Call the crew")
    with told():
        _draw_form(client)
    st.subheader("Runs")
    _draw_runs(client)


def _draw_form(client: Studio) -> None:
    models = [one.name for one in client.models() if one.kind != "tuned"]
    datasets = [one.name for one in client.datasets()]
    if not datasets:
        st.info("The crew needs a dataset. Upload one under Data.")
        return
    with st.form("crew_form"):
        asked = _ask(models, datasets)
        clicked = st.form_submit_button("Start", type="primary")
    once = Once("crew", clicked=clicked)
    if clicked and not asked["goal"]:
        st.warning("Say what the model is for.")
    elif clicked:
        job = once.send(asked, lambda: client.start_crew(**asked))
        st.session_state["crew_job"] = str(job.id)
        st.success(
            f"Job #{job.number} was sent to the queue. You may close this page; the crew goes on."
        )


def _ask(models: list[str], datasets: list[str]) -> dict[str, Any]:
    goal = st.text_area(
        "Goal",
        key="crew_goal",
        max_chars=500,
        height=80,
        placeholder="Read a service request and answer with its intent as JSON.",
    )
    left, middle, right = st.columns([3, 3, 1])
    return {
        "model": left.selectbox("Model", models, key="crew_model", accept_new_options=True),
        "dataset": middle.selectbox("Dataset", datasets, key="crew_dataset"),
        "seed": right.number_input("Seed", 0, 2**32 - 1, 42, key="crew_seed"),
        "goal": goal.strip(),
        "shuffle_labels": st.checkbox(
            "Self-test: shuffle the answers, so that the verdict must be 'not better'",
            key="crew_shuffle_labels",
        ),
    }


@st.fragment(run_every="2s")
def _draw_runs(client: Studio) -> None:
    with told():
        jobs = list(client.jobs(kind="crew", limit=50).jobs)
        if not jobs:
            st.info(
                "No run yet. Say a goal above; the four agents do the rest and show their work."
            )
            return
        _draw_run(client, choose_job(jobs, "Run", key="crew_job"))


def _draw_run(client: Studio, job: Job) -> None:
    st.text(str(job.request.get("goal", "")))
    draw_state(job)
    with st.container(horizontal=True):
        draw_actions(client, job, key="crew")
        if job.succeeded:
            st.download_button(
                "Download the report",
                lambda: client.report(job.id),
                file_name=f"report-{job.number}.html",
                mime="text/html",
                key="crew_report",
                on_click="ignore",
            )
    receipts = client.receipts(job.id) if job.started_at else []
    _draw_agents(receipts, job)
    if job.result:
        st.markdown("**Verdict**")
        draw_verdict(job.result["verdict"], key="crew_verdict")
    for receipt in receipts:
        with st.expander(f"Receipt of the {plain(receipt['agent'])}"):
            _draw_receipt(receipt)
    feed = read_feed(client, str(job.id))
    if feed.metrics:
        draw_training(feed.metrics, key="crew_chart")
    st.markdown("**Log**")
    draw_log(feed.logs)


def _draw_agents(receipts: list[dict[str, Any]], job: Job) -> None:
    done = {receipt["agent"]: receipt for receipt in receipts}
    at_work = next((agent for agent in _AGENTS if agent not in done), None)
    for column, (agent, duty) in zip(st.columns(len(_AGENTS)), _AGENTS.items(), strict=True):
        with column, st.container(border=True, height="stretch"):
            st.markdown(f"**{agent}**")
            st.caption(duty)
            if agent in done:
                st.badge("done", color="green")
                st.caption(_summary(done[agent]))
            elif job.status == "running" and agent == at_work:
                st.badge("working", color="blue")
            else:
                st.badge("not reached" if job.ended else "waiting", color="gray")


def _summary(receipt: Mapping[str, Any]) -> str:
    calls = len(receipt["tool_calls"])
    parts = [f"{calls} tool call{'s' if calls != 1 else ''}", duration(receipt["seconds"])]
    parts += [f"{count(receipt['tokens'])} tokens"] if receipt["tokens"] else []
    return f"{plain(receipt['model'])} · {' · '.join(parts)}"


def _draw_receipt(receipt: Mapping[str, Any]) -> None:
    if receipt["fell_back"]:
        st.warning(f"The rules answered in the place of the model: {plain(receipt['fell_back'])}")
    for call in receipt["tool_calls"]:
        _draw_call(call)
    st.markdown("**Answer**")
    st.json(receipt["answer"])
    st.markdown("**What it was told**")
    st.code(receipt["prompt"], language=None, wrap_lines=True, height=160)


def _draw_call(call: Mapping[str, Any]) -> None:
    name, came_back = st.columns([1, 2])
    with name:
        st.markdown(f"**{plain(call['tool'])}**")
        st.caption(plain(told_in_brief(call["arguments"])) or "no arguments")
    with came_back:
        if call["refusal"]:
            st.warning(f"Refused: {plain(call['refusal'])}")
            return
        st.caption(f"{plain(told_in_brief(call['result']))} · {duration(call['seconds'])}")
        with st.popover("Everything that came back"):
            st.json(call["result"])
