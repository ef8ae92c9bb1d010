"""Repair a dataset: as its policy says or by chosen steps, each of which makes a version."""

from typing import Any

import streamlit as st

from crewtune import Dataset, Job, Studio
from crewtune.counted import counted
from frontend.data.versions import draw_versions
from frontend.data.watch import draw_job, keep_job
from frontend.telling import Once

_CONTAMINATED = "remove_contaminated"
_STEPS = {
    "clean": "Clean the texts",
    "redact": "Redact private values",
    "remove_invalid": "Leave out faulty rows",
    "deduplicate": "Leave out repeats",
    "remove_near_duplicates": "Leave out near duplicates",
    "remove_marked": "Leave out rows the scan marks",
    _CONTAMINATED: "Leave out rows of a benchmark",
}


def draw_repairs(client: Studio, dataset: Dataset) -> None:
    """Draw the repairs that can be made, and the versions there are."""
    # Without a benchmark there is nothing to compare with.
    known = [kind for kind in _STEPS if kind != _CONTAMINATED or dataset.policy["benchmarks"]]
    chosen = st.multiselect(
        "Repairs, in this order",
        known,
        format_func=_STEPS.__getitem__,
        key="data_steps",
        placeholder="none chosen: what the policy says",
    )
    clicked = st.button("Repair", type="primary", key="data_repair")
    once = Once("data_repair", clicked=clicked)
    if clicked:
        steps = [_step(dataset, kind) for kind in _STEPS if kind in chosen] or None
        asked = {"name": dataset.name, "version": dataset.version, "steps": steps}
        job = once.send(asked, lambda: client.repair(dataset.name, steps=steps))
        keep_job("repair", dataset, job)
    draw_job(client, "repair", dataset, _draw_repaired)
    draw_versions(client, dataset)


def draw_steps(result: dict[str, Any]) -> None:
    """Draw what each repair of a result did."""
    for one in result.get("repairs", ()):
        changed, left_out = one["rows_changed"], one["rows_read"] - one["rows_kept"]
        done = [f"{counted(changed, 'row')} changed"] if changed else []
        done += [f"{counted(left_out, 'row')} left out"] if left_out else []
        what = _STEPS.get(one["kind"], one["kind"])
        st.write(f"{what}: {', '.join(done) or 'nothing to do'}.")


def _step(dataset: Dataset, kind: str) -> dict[str, Any]:
    policy = dataset.policy
    settings: dict[str, dict[str, Any]] = {
        "clean": {"steps": policy["cleaning"]} if policy["cleaning"] else {},
        "redact": {"policy": policy["privacy"]},
        "remove_marked": {"level": policy["scan"]},
        "remove_near_duplicates": {"threshold": policy["near_threshold"]},
        _CONTAMINATED: {"benchmarks": policy["benchmarks"]},
    }
    return {"kind": kind, **settings.get(kind, {})}


def _draw_repaired(job: Job) -> None:
    result = job.result or {}
    draw_steps(result)
    usable = result.get("rows_usable", 0)
    st.success(f"{counted(result.get('rows', 0), 'row')}; {usable:,} usable.")
