"""The runs that MLflow recorded: choose some, compare their parameters, figures and curves."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from crewtune import Experiment, Studio
from frontend.charts import draw_curves, title_of
from frontend.telling import told
from frontend.words import ago, figure, plain

_MOST = 100
_LONG_ID = 32  # a UUID without dashes: its beginning tells runs apart
_SHOWN = ("loss", "eval_loss", "tuned_exact_match", "tuned_rouge_l")


def render(client: Studio) -> None:
    """Draw the tab."""
    st.subheader("Runs")
    with told():
        runs = client.experiments(limit=_MOST)
        if not runs:
            st.info("No run is recorded yet. Start one under Training or Crew.")
            return
        chosen = _choose(runs)
        if len(chosen) < 2:
            st.caption("Select two or more runs in the table to compare them.")
        draw_comparison(client, chosen)


def draw_comparison(client: Studio, chosen: Sequence[Experiment]) -> None:
    """Draw the curves, parameters and figures of the runs side by side."""
    if chosen:
        _draw_links(chosen)
        _draw_curves(client, chosen)
        _draw_table("Parameters", chosen, [run.params for run in chosen], key="params")
        _draw_table("Figures", chosen, [run.metrics for run in chosen], key="metrics")


def _choose(runs: Sequence[Experiment]) -> list[Experiment]:
    metrics = [name for name in _SHOWN if any(name in run.metrics for run in runs)]
    rows = [
        {
            "Run": _name(run),
            "Status": run.status.lower(),
            "Started": ago(run.started_at),
            "Model": run.params.get("model_name_or_path", ""),
            **{title_of(name): run.metrics.get(name) for name in metrics},
        }
        for run in runs
    ]
    numbers = st.column_config.NumberColumn(format="%.4g")
    selected = st.dataframe(
        rows,
        hide_index=True,
        key="experiments_runs",
        on_select="rerun",
        selection_mode="multi-row",
        column_config={title_of(name): numbers for name in metrics},
    )
    return [runs[place] for place in selected["selection"]["rows"] if place < len(runs)]


def _name(run: Experiment) -> str:
    name = run.name or run.run_id
    return name[:8] if len(name) == _LONG_ID else name


def _draw_links(chosen: Sequence[Experiment]) -> None:
    with st.container(horizontal=True):
        for run in chosen:
            if run.url:
                st.link_button(f"{plain(_name(run))} in MLflow", run.url)


def _draw_curves(client: Studio, chosen: Sequence[Experiment]) -> None:
    st.subheader("Curves")
    names = sorted({name for run in chosen for name in run.metrics})
    if not names:
        st.caption("These runs have no measured values.")
        return
    first = names.index("loss") if "loss" in names else 0
    metric = st.selectbox(
        "Metric", names, first, format_func=title_of, key="experiments_metric", width=280
    )
    curves = client.curves([run.run_id for run in chosen], metric)
    shown = {
        _name(run): {
            point.step: point.value
            for point in curves.get(run.run_id, [])
            if point.value is not None
        }
        for run in chosen
    }
    draw_curves(shown, key="experiments_curves", height=300)


def _draw_table(
    title: str, chosen: Sequence[Experiment], values: Sequence[Mapping[str, Any]], *, key: str
) -> None:
    st.subheader(title)
    names = sorted({name for one in values for name in one})
    several = len(chosen) > 1
    if several and st.toggle("Only what differs", True, key=f"experiments_{key}_differ"):
        names = [name for name in names if len({str(one.get(name)) for one in values}) > 1]
    if not names:
        st.caption("They are all the same." if several else "Nothing is recorded.")
        return
    columns = {_name(run): one for run, one in zip(chosen, values, strict=True)}
    rows = [
        {"": name, **{run: figure(one.get(name)) for run, one in columns.items()}} for name in names
    ]
    st.dataframe(rows, hide_index=True, key=f"experiments_{key}")
