"""What is done with findings: the policy with a live sample, repairs, versions, a rehearsal."""

import json
from typing import Any

import streamlit as st

from crewtune import Change, Dataset, Job, Studio
from frontend.data.watch import draw_job, keep_job
from frontend.telling import Once

_PRIVATE = {
    "email": "E-mail addresses",
    "phone": "Phone numbers",
    "iban": "Bank accounts (IBAN)",
    "card": "Payment cards",
    "national_id": "National ids",
    "secret": "Keys, tokens, passwords",
    "url_credentials": "Passwords in URLs",
    "ip": "IP addresses",
    "name": "Names of people",
}
_ACTIONS = ["report", "mask", "pseudonymise", "drop_row", "ask"]
_CHOICES = ["report", "drop_row", "ask"]
_LEVELS = ["minimal", "standard", "strict", "maximum"]
_CLEANING = ["encoding", "unicode", "unseen", "white_space", "markup"]
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


def draw_policy(client: Studio, dataset: Dataset) -> None:
    """Draw what is done with findings, and what it would do with some rows."""
    st.caption("Every training applies this to its rows. The dataset itself changes by repairs.")
    policy = _choices(client, dataset)
    if st.button("Keep this policy", type="primary", key="data_policy_keep"):
        client.set_policy(dataset.name, policy)
        st.success("It holds for every training from now on.")
    st.caption("The first rows that its cleaning and privacy would change:")
    found = client.changes(dataset.name, policy)
    if not found:
        st.info("It would change none of the first 1,000 rows.")
    for change in found:
        _draw_change(change)


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
    _draw_versions(client, dataset)


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


def _choices(client: Studio, dataset: Dataset) -> dict[str, Any]:
    with st.container(border=True):
        private = _private_choices(dataset)
    with st.container(border=True):
        return {**dataset.policy, "privacy": private, **_other_choices(client, dataset)}


def _private_choices(dataset: Dataset) -> dict[str, Any]:
    private = dict(dataset.policy.get("privacy", {}))
    columns = st.columns(3)
    for place, (kind, label) in enumerate(_PRIVATE.items()):
        now = _ACTIONS.index(private.get(kind, "report"))
        private[kind] = columns[place % 3].selectbox(label, _ACTIONS, now, key=_key(dataset, kind))
    if private["name"] != "report" and not private.get("name_pipeline"):
        st.caption("Names are sought once privacy.name_pipeline names a spaCy pipeline.")
    return private


def _other_choices(client: Studio, dataset: Dataset) -> dict[str, Any]:
    kept = dataset.policy
    cleaning = st.multiselect(
        "Cleaning",
        _CLEANING,
        kept.get("cleaning", []),
        format_func=_worded,
        key=_key(dataset, "cleaning"),
    )
    left, middle, right = st.columns(3)
    level = _LEVELS.index(kept["scan"])
    others = [one.name for one in client.datasets() if one.name != dataset.name]
    return {
        "cleaning": cleaning,
        "scan": left.selectbox("Scan for attacks", _LEVELS, level, key=_key(dataset, "scan")),
        "marked": _choice(middle, dataset, "marked", "Rows it marks"),
        "near_duplicates": _choice(right, dataset, "near_duplicates", "Near duplicates"),
        "benchmarks": st.multiselect(
            "Benchmarks that must not be learnt",
            others,
            [name for name in kept.get("benchmarks", ()) if name in others],
            key=_key(dataset, "benchmarks"),
        ),
    }


def _choice(place: Any, dataset: Dataset, field: str, label: str) -> str:
    now = _CHOICES.index(dataset.policy[field])
    key = _key(dataset, field)
    chosen: str = place.selectbox(label, _CHOICES, now, format_func=_worded, key=key)
    return chosen


def _worded(choice: str) -> str:
    return choice.replace("_", " ")


def _key(dataset: Dataset, field: str) -> str:
    # Another dataset has other choices, so its widgets are others too.
    return f"data_policy_{field}_{dataset.name}"


def _draw_change(change: Change) -> None:
    with st.container(border=True):
        st.caption(f"Row {change.row}")
        before, after = st.columns(2)
        for text in change.before:
            before.text(text)
        if change.after is None:
            after.caption("left out")
        for text in change.after or ():
            after.text(text)


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


def _draw_steps(result: dict[str, Any]) -> None:
    for one in result.get("repairs", ()):
        changed, left_out = one["rows_changed"], one["rows_read"] - one["rows_kept"]
        done = [f"{_rows(changed)} changed"] if changed else []
        done += [f"{_rows(left_out)} left out"] if left_out else []
        what = _STEPS.get(one["kind"], one["kind"])
        st.write(f"{what}: {', '.join(done) or 'nothing to do'}.")


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number:,} rows"


def _draw_repaired(job: Job) -> None:
    result = job.result or {}
    _draw_steps(result)
    usable = result.get("rows_usable", 0)
    st.success(f"{_rows(result.get('rows', 0))}; {usable:,} usable.")


def _draw_split(job: Job) -> None:
    result = job.result or {}
    split = result.get("split", {})
    parts = {"To train on": "train", "To watch the loss": "validation", "Held out": "heldout"}
    st.badge(result.get("verdict", ""), color="green")
    for place, (label, part) in zip(st.columns(3), parts.items(), strict=True):
        place.metric(label, f"{split.get(f'{part}_rows', 0):,} rows", border=True)
    _draw_steps(result)
    with st.expander("Everything the split says"):
        st.json(split)


def _draw_versions(client: Studio, dataset: Dataset) -> None:
    versions = client.versions(dataset.name)
    if not versions:
        return
    st.caption("How it was made. No version is lost.")
    rows = [
        {
            "Version": one.version,
            "Step": str(one.step.get("kind", "")).replace("_", " "),
            "Rows kept": one.report.get("rows_kept"),
            "Settings": json.dumps({k: v for k, v in one.step.items() if k != "kind"}),
        }
        for one in versions
    ]
    st.dataframe(rows, hide_index=True, key="data_versions")
    earlier = [one.version for one in versions if one.version != dataset.version]
    if earlier:
        back = st.selectbox("Go back to", earlier, key="data_back_to")
        clicked = st.button("Go back", key="data_back")
        once = Once("data_back", clicked=clicked)
        if clicked:
            asked = {"name": dataset.name, "version": back}
            job = once.send(asked, lambda: client.repair(dataset.name, version=back))
            keep_job("repair", dataset, job)
            st.rerun()
