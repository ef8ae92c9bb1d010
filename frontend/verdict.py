"""What a comparison of two models came to: the figures, and what the gate made of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from frontend.words import plain

_TITLES = {"exact_match": "Exact match", "rouge_l": "ROUGE-L", "loss": "Loss"}


def draw_comparisons(
    comparisons: Sequence[Mapping[str, Any]], *, key: str, primary: str | None = None
) -> None:
    """Draw base against tuned, one metric a row."""
    rows = [
        {
            "Metric": _TITLES.get(one["metric"], one["metric"]),
            "Base": f"{one['baseline']:.3f}",
            "Tuned": f"{one['candidate']:.3f}",
            "Difference": f"{one['difference']:+.3f}",
            "95 % interval": f"{one['low']:+.3f} to {one['high']:+.3f}",
            "Rows": one["rows"],
            "Better": "yes" if one["better"] else "no",
            "Decides": "yes" if one["metric"] == primary else "",
        }
        for one in comparisons
    ]
    st.dataframe(rows, hide_index=True, key=key)


def draw_gate(gate: Mapping[str, Any]) -> None:
    """Draw the verdict and each check that it follows from."""
    better = gate["verdict"] == "better"
    st.badge(plain(gate["verdict"]), color="green" if better else "orange")
    for check in gate["checks"]:
        mark, reason = st.columns([1, 14])
        mark.badge(
            "yes" if check["passed"] else "no", color="green" if check["passed"] else "orange"
        )
        reason.text(check["reason"])


def draw_verdict(verdict: Mapping[str, Any], *, key: str) -> None:
    """Draw the verdict of a crew run."""
    draw_gate(verdict["gate"])
    draw_comparisons(
        verdict["comparisons"], key=f"{key}_figures", primary=verdict["primary_metric"]
    )
    tracking = verdict["tracking"]
    if tracking.get("version") is not None:
        aliases = ", ".join(tracking["aliases"]) or "no alias"
        st.caption(
            f"Registered as {plain(tracking['model'])}, version {tracking['version']} "
            f"({plain(aliases)})."
        )
    elif tracking.get("problem"):
        st.warning(plain(tracking["problem"]))
