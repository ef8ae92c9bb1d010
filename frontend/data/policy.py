"""What is to be done with what is found in a dataset, with a sample of what it would change."""

from typing import Any

import streamlit as st

from crewtune import Change, Dataset, Studio

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
# Fields of the policy that say how some of them are sought.
_SOUGHT_WITH = (
    (
        "name_pipeline",
        "Find names with",
        "A spaCy pipeline that is installed where the studio runs, e.g. en_core_web_sm. "
        "Empty: no names are sought.",
    ),
    (
        "phone_region",
        "Phone numbers without + are of",
        "Two letters, e.g. US. Empty: only numbers with + or 00 are found.",
    ),
)
_ACTIONS = ["report", "mask", "pseudonymise", "drop_row", "ask"]
_CHOICES = ["report", "drop_row", "ask"]
_LEVELS = ["minimal", "standard", "strict", "maximum"]
_CLEANING = ["encoding", "unicode", "unseen", "white_space", "markup"]


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
    for side, (field, label, hint) in zip(st.columns(2), _SOUGHT_WITH, strict=True):
        text = side.text_input(label, private.get(field, ""), key=_key(dataset, field), help=hint)
        private[field] = text.strip()
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
    level = _LEVELS.index(kept["scan"])
    others = [one.name for one in client.datasets() if one.name != dataset.name]
    scan, near, known = st.columns(3)
    return {
        "cleaning": cleaning,
        "scan": scan.selectbox("Scan for attacks", _LEVELS, level, key=_key(dataset, "scan")),
        "marked": _choice(scan, dataset, "marked", "Rows it marks"),
        "near_duplicates": _choice(near, dataset, "near_duplicates", "Near duplicates"),
        "near_threshold": _near_from(near, dataset),
        "benchmarks": known.multiselect(
            "Benchmarks that must not be learnt",
            others,
            [name for name in kept.get("benchmarks", ()) if name in others],
            key=_key(dataset, "benchmarks"),
        ),
        "contaminated": _choice(
            known, dataset, "contaminated", "Rows that share a passage with one"
        ),
    }


def _near_from(place: Any, dataset: Dataset) -> float:
    chosen: float = place.number_input(
        "Near from",
        min_value=0.5,
        max_value=1.0,
        value=float(dataset.policy["near_threshold"]),
        step=0.05,
        key=_key(dataset, "near_threshold"),
        help="Jaccard similarity from which two rows are near duplicates.",
    )
    return chosen


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
