"""Curves over the steps of a training."""

from collections.abc import Mapping, Sequence

import altair as alt
import pandas as pd
import streamlit as st

_MOST_POINTS = 600  # more than a screen can show
_TITLES = {
    "loss": "Loss",
    "eval_loss": "Evaluation loss",
    "learning_rate": "Learning rate",
    "grad_norm": "Gradient norm",
    "tokens_per_second": "Tokens per second",
}

_LEGEND = alt.Legend(orient="top-right", title=None, fillColor="white", padding=6)

Curve = Mapping[int, float]


def title_of(metric: str) -> str:
    """Return what a person calls the metric."""
    return _TITLES.get(metric, metric.replace("_", " ").capitalize())


def draw_curves(curves: Mapping[str, Curve], *, key: str, height: int = 300) -> None:
    """Draw one line for each name in `curves` over the same steps."""
    rows = [(step, value, name) for name, curve in curves.items() for step, value in _thin(curve)]
    frame = pd.DataFrame(rows, columns=["step", "value", "curve"])
    tip = [alt.Tooltip("curve"), alt.Tooltip("step"), alt.Tooltip("value", format=".4g")]
    lines = alt.Chart(frame, height=height).encode(
        x=alt.X("step:Q", title="step", axis=alt.Axis(tickMinStep=1, format="d", grid=False)),
        y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        color=alt.Color(
            "curve:N",
            sort=list(curves),
            legend=_LEGEND if len(curves) > 1 else None,
        ),
        tooltip=tip,
    )
    few = max((len(curve) for curve in curves.values()), default=0) <= 25
    st.altair_chart(lines.mark_line(strokeWidth=2, point=few), key=key)


def draw_training(metrics: Mapping[str, Curve], *, key: str) -> None:
    """Draw what a training measures: the losses large, the rest small."""
    losses = {title_of(name): metrics[name] for name in ("loss", "eval_loss") if name in metrics}
    if not losses:
        st.caption("The first measured values appear after a few steps.")
        return
    st.markdown("**Loss**")
    draw_curves(losses, key=f"{key}_loss")
    others = [
        name for name in ("learning_rate", "grad_norm", "tokens_per_second") if name in metrics
    ]
    for column, name in zip(st.columns(len(others) or 1), others, strict=False):
        with column:
            st.markdown(f"**{title_of(name)}**")
            draw_curves({title_of(name): metrics[name]}, key=f"{key}_{name}", height=150)


def _thin(curve: Curve) -> Sequence[tuple[int, float]]:
    points = sorted(curve.items())
    every = -(-len(points) // _MOST_POINTS) or 1
    # The last point stays: it is the one that people read off.
    return [*points[:-1:every], *points[-1:]]
