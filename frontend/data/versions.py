"""How a dataset was made, version by version, and the way back to an earlier one."""

from typing import Any

import streamlit as st

from crewtune import Dataset, Studio
from frontend.data.watch import keep_job
from frontend.telling import Once

_OF_THE_IMPORT = ("source", "config", "split", "revision", "licence", "format")


def draw_versions(client: Studio, dataset: Dataset) -> None:
    """Draw the versions, and the way back."""
    versions = client.versions(dataset.name)
    if not versions:
        return
    st.caption("How it was made. No version is lost.")
    rows = [
        {
            "Version": one.version,
            "Step": _worded(str(one.step.get("kind", ""))),
            # Cleaning keeps every row, and says how many it read.
            "Rows kept": one.report.get("rows_kept", one.report.get("rows_read")),
            "Changed": one.report.get("rows_changed", 0),
            "Settings": _settings(one.step),
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


def _settings(step: dict[str, Any]) -> str:
    """Return what was chosen for a step: of an import, where its rows came from."""
    chosen = {key: value for key, value in step.items() if key != "kind" and value is not None}
    if step.get("kind") == "import":
        chosen = {key: chosen[key] for key in _OF_THE_IMPORT if key in chosen}
    return "; ".join(f"{_worded(key)}: {_shown(value)}" for key, value in chosen.items())


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{_worded(key)} {one}" for key, one in value.items() if one)
    if isinstance(value, list):
        return ", ".join(map(_worded, value))
    return str(value)


def _worded(name: str) -> str:
    return name.replace("_", " ")
