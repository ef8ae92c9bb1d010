"""Train: choose, see the recommended recipe and why, start, watch the queue and the curves."""

import streamlit as st

from crewtune import Job, Recommendation, Studio
from frontend.charts import draw_training
from frontend.feed import read_feed
from frontend.jobs import choose_job, draw_actions, draw_log, draw_state, turn_to
from frontend.recipe_fields import (
    as_command,
    as_yaml,
    changes,
    draw_fields,
    draw_reasons,
    fill_fields,
)
from frontend.telling import Once, toast, told
from frontend.verdict import draw_comparisons, draw_gate
from frontend.words import duration, plain

_KINDS = ("train", "evaluate")
_NEW, _QUEUE = "New training", "Queue and curves"


def render(client: Studio) -> None:
    """Draw the tab."""
    started = st.session_state.pop("training_started", None)
    if started is not None:
        st.session_state["training_view"] = _QUEUE
    new, queue = st.tabs([_NEW, _QUEUE], on_change="rerun", key="training_view")
    if new.open:
        with new, told():
            chosen = _choose(client)
            if chosen is not None:
                _draw_recommendation(client, *chosen)
    if queue.open:
        with queue:
            if started is not None:
                st.success(
                    f"Job #{started} was sent to the queue. You may close this page; it goes on."
                )
            _draw_queue(client)


def _choose(client: Studio) -> tuple[str, str, int] | None:
    models = [one.name for one in client.models() if one.kind != "tuned"]
    datasets = [one.name for one in client.datasets()]
    if not datasets:
        st.info("You need a dataset first. Upload one under Data.")
        return None
    wanted = st.session_state.pop("training_wanted_model", None)
    if wanted is not None:
        st.session_state["training_model"] = wanted
    kept = st.session_state.get("training_model")
    if kept and kept not in models:
        models = [*models, kept]
    left, middle, right = st.columns([3, 3, 1])
    model = left.selectbox(
        "Model",
        models,
        key="training_model",
        accept_new_options=True,
        placeholder="Choose one, or type an id of the Hub",
        persist_state="session",
    )
    dataset = middle.selectbox("Dataset", datasets, key="training_dataset", persist_state="session")
    seed = right.number_input(
        "Seed", 0, 2**32 - 1, 42, key="training_seed", persist_state="session"
    )
    return (model, dataset, seed) if model and dataset else None


def _draw_recommendation(client: Studio, model: str, dataset: str, seed: int) -> None:
    asked = {"model": model, "dataset": dataset, "seed": seed}
    clicked = st.button("Recommend a recipe", key="training_recommend", type="primary")
    once = Once("training_recommend", clicked=clicked)
    if clicked:
        job = once.send(asked, lambda: client.recommend(model, dataset, seed=seed))
        st.session_state["training_advice"] = (asked, str(job.id))
        st.session_state.pop("training_filled", None)
    kept = st.session_state.get("training_advice")
    if kept is None or kept[0] != asked:
        st.caption(
            "The recipe is made for this machine, model and dataset, with a reason for each value."
        )
        return
    job = client.job(kept[1])
    if job.succeeded:
        _draw_recipe(client, job)
    else:
        _await_recommendation(client, str(job.id))


@st.fragment(run_every="1s")
def _await_recommendation(client: Studio, job_id: str) -> None:
    with told():
        job = client.job(job_id)
        if job.succeeded:
            st.rerun()
        draw_state(job)
        if not job.ended:
            st.caption("Looking at the rows and at this machine.")


def _draw_recipe(client: Studio, job: Job) -> None:
    advice = Recommendation.model_validate(job.result)
    asked = job.request
    if st.session_state.get("training_filled") != job.id:
        fill_fields(advice.recipe)
        st.session_state["training_filled"] = job.id
    draw_reasons(advice)
    with st.expander("Expert: change any value"):
        edited = draw_fields(advice)
    changed = changes(advice.recipe, edited)
    with st.expander("The same as a recipe file, and as a command"):
        st.code(as_yaml(edited), language="yaml")
        command = as_command(asked["model"], asked["dataset"], changed, asked["seed"])
        st.code(command, language="bash")
    if changed:
        said = ", ".join(f"{name} = {value}" for name, value in changed.items())
        st.caption(f"Changed: {plain(said)}")
    _draw_start(client, asked, changed)


def _draw_start(client: Studio, asked: dict[str, object], changed: dict[str, object]) -> None:
    clicked = st.button("Start training", key="training_start", type="primary")
    once = Once("training_start", clicked=clicked)
    if clicked:
        model, dataset, seed = str(asked["model"]), str(asked["dataset"]), asked["seed"]
        job = once.send(
            {**asked, "recipe": changed},
            lambda: client.train(model, dataset, recipe=changed, seed=int(str(seed))),
        )
        st.session_state["training_job"] = str(job.id)
        st.session_state["training_started"] = job.number
        st.rerun()


@st.fragment(run_every="2s")
def _draw_queue(client: Studio) -> None:
    with told():
        jobs = [job for job in client.jobs(limit=50).jobs if job.kind in _KINDS]
        if not jobs:
            st.info("No training yet. Start one under New training.")
            return
        rows = [
            {
                "Job": job.number,
                "What": "training" if job.kind == "train" else "comparison",
                "Model": job.request.get("model", ""),
                "Dataset": job.request.get("dataset", ""),
                "State": job.status,
                "Place in the queue": "" if job.position is None else str(job.position + 1),
                "Time left": duration(job.seconds_left) if job.status == "running" else "",
                "Done": job.percent if job.status == "running" else None,
            }
            for job in jobs
        ]
        done = st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100)
        st.dataframe(rows, hide_index=True, column_config={"Done": done}, key="training_queue")
        _draw_watched(client, jobs)


def _draw_watched(client: Studio, jobs: list[Job]) -> None:
    job = choose_job(jobs, "Watch", key="training_job")
    draw_state(job)
    with st.container(horizontal=True):
        draw_actions(client, job, key="training")
        if job.kind == "train" and job.succeeded:
            _draw_evaluate(client, job)
    feed = read_feed(client, str(job.id))
    if job.kind == "train":
        draw_training(feed.metrics, key="training_chart")
    elif job.result:
        compared = job.result["compared"]
        draw_comparisons(
            compared["against_base"],
            key="training_compared",
            primary=compared["primary_metric"],
        )
        draw_gate(job.result["gate"])
    st.markdown("**Log**")
    draw_log(feed.logs)


def _draw_evaluate(client: Studio, job: Job) -> None:
    clicked = st.button(
        "Compare with the base",
        key="training_evaluate",
        help="Both models answer rows that neither was trained on; the gate decides.",
    )
    once = Once("training_evaluate", clicked=clicked)
    if clicked:
        with told(toast):
            started = once.send({"training": str(job.id)}, lambda: client.evaluate(job.id))
            toast(f"Job #{started.number} compares it with its base.")
            turn_to(started, key="training_job")
