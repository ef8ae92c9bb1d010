"""Send a file, and import it at once or after a look at how its first rows would come out."""

import tempfile
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from crewtune import Job, Row, Studio, Upload
from frontend.data.mapping import choose_mapping
from frontend.data.rows import parts_of
from frontend.jobs import await_end
from frontend.telling import Once, told
from frontend.words import plain

_TYPES = ["jsonl", "ndjson", "json", "csv", "tsv", "parquet", "arrow", "gz", "zst"]
_SHOWN_ROWS = 3
_SHOWN_PROBLEMS = 10
_EMPTY = "(empty)"


def draw_upload(client: Studio) -> None:
    """Draw the form, and the wizard of a file that is looked at first."""
    st.subheader("Upload a file")
    with st.form("data_upload"):
        file = st.file_uploader(
            "JSONL, JSON, CSV or Parquet, also as .gz or .zst",
            type=_TYPES,
            key="data_file",
            help="Rows of messages, ShareGPT, Alpaca, prompt and completion, preferences, text ...",
        )
        name = st.text_input(
            "Call it", key="data_new_name", placeholder="left empty: the name of the file"
        )
        with st.container(horizontal=True):
            sent = st.form_submit_button("Upload", type="primary")
            looked = st.form_submit_button("Look at it first")
    once = Once("data_upload", clicked=sent or looked)
    if (sent or looked) and file is None:
        st.warning("Choose a file first.")
    elif (sent or looked) and file is not None:
        with told():
            _receive(client, once, file, name.strip() or name_of(file.name), look_first=looked)
    _draw_wizard(client)


def name_of(filename: str) -> str:
    """Return a name for a dataset that is like the name of its file."""
    stem = filename.rpartition(".")[0]
    letters = [
        sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "-" for sign in stem
    ]
    return "".join(letters).lstrip("._-")[:96] or "dataset"


def _receive(
    client: Studio, once: Once, file: UploadedFile, name: str, *, look_first: bool
) -> None:
    asked = {"file": file.file_id, "name": name, "look": look_first}
    if look_first:
        job = once.send(asked, lambda: _inspect(client, _send(client, file).upload, name))
        st.session_state["data_wizard_job"] = str(job.id)
        return
    job = once.send(asked, lambda: client.add_dataset(name, upload=_send(client, file).upload))
    st.success(f"{plain(file.name)} was received. Job #{job.number} imports it.")


def _send(client: Studio, file: UploadedFile) -> Upload:
    # The client sends files, not memory, so that large ones go a piece at a time.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(file.name).name or "unnamed")
        path.write_bytes(file.getbuffer())
        return client.upload(path)


def _inspect(client: Studio, upload: str, name: str, mapping: dict[str, Any] | None = None) -> Job:
    job = client.inspect(upload=upload, mapping=mapping)
    st.session_state["data_wizard"] = {"upload": upload, "name": name, "mapping": mapping}
    return job


def _draw_wizard(client: Studio) -> None:
    job_id, kept = st.session_state.get("data_wizard_job"), st.session_state.get("data_wizard")
    if job_id is None or kept is None:
        return
    with told(), st.container(border=True):
        st.markdown(f"**{plain(kept['name'])}**")
        job = client.job(job_id)
        if job.ended:
            _draw_end(client, kept, job)
        else:
            await_end(client, job_id)


def _draw_end(client: Studio, kept: dict[str, Any], job: Job) -> None:
    found = job.result or {}
    if job.error is not None:
        st.error(plain(job.error.reason))
    layout = found.get("layout")
    if layout:
        sure = f"{layout['confidence']:.0%} sure"
        st.write(f"Format: **{plain(layout['format'])}** ({sure})")
    elif found:
        st.error(plain(found.get("refusal") or ""))
    mapping, new = _choose(kept, found) if found.get("columns") else ({}, False)
    # What was chosen since has not been looked at, so it is not imported unseen.
    _draw_ways_on(client, kept, fits=bool(layout) and not new, mapping=mapping)
    _draw_first_rows(found)


def _choose(kept: dict[str, Any], found: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    shapes = (f"{plain(one['name'])} ({plain(one['shape'])})" for one in found["columns"])
    st.caption(f"Columns: {', '.join(shapes)}")
    # Another file has other columns, so its widgets are others too.
    return choose_mapping(f"data_map_{kept['upload']}", found, kept["mapping"])


def _draw_ways_on(
    client: Studio, kept: dict[str, Any], *, fits: bool, mapping: dict[str, Any]
) -> None:
    with st.container(horizontal=True):
        if fits:
            _draw_import(client, kept)
        elif mapping:
            _draw_again(client, kept, mapping)
        if st.button("Close", key="data_wizard_close"):
            _close()
            st.rerun()


def _draw_import(client: Studio, kept: dict[str, Any]) -> None:
    clicked = st.button("Import it", type="primary", key="data_wizard_import")
    once = Once("data_wizard_import", clicked=clicked)
    if clicked:
        source = {"upload": kept["upload"], "mapping": kept["mapping"]}
        asked = {"name": kept["name"], **source}
        with told():  # a refusal leaves the rest of the wizard where it is
            once.send(asked, lambda: client.add_dataset(kept["name"], **source))
            _close()
            st.rerun()


def _draw_again(client: Studio, kept: dict[str, Any], mapping: dict[str, Any]) -> None:
    clicked = st.button("Look again with these", type="primary", key="data_wizard_again")
    once = Once("data_wizard_again", clicked=clicked)
    if clicked:
        upload, name = kept["upload"], kept["name"]
        asked = {"upload": upload, "mapping": mapping}
        with told():
            job = once.send(asked, lambda: _inspect(client, upload, name, mapping))
            st.session_state["data_wizard_job"] = str(job.id)
            st.rerun()


def _draw_first_rows(found: dict[str, Any]) -> None:
    for note in found.get("notes", ()):
        st.info(plain(note))
    for problem in found.get("problems", ())[:_SHOWN_PROBLEMS]:
        field = f", {plain(problem['field'])}" if problem["field"] else ""
        st.warning(
            f"Row {problem['row']}{field}: {plain(problem['problem'])}. {plain(problem['remedy'])}"
        )
    made = {one["row"]: one for one in found.get("conversations", ())}
    for row in found.get("rows", ())[:_SHOWN_ROWS]:
        _draw_before_and_after(row, made.get(row["row"]), known=found.get("layout") is not None)


def _draw_before_and_after(
    row: dict[str, Any], made: dict[str, Any] | None, *, known: bool
) -> None:
    with st.container(border=True):
        st.caption(f"Row {row['row']}, as it is in the file and as it comes out")
        before, after = st.columns(2)
        for column, value in row["values"].items():
            before.caption(plain(column))
            before.text(value or _EMPTY)
        if made is None:
            after.caption("left out" if known else "not known yet")
        else:
            for who, text in parts_of(Row.model_validate(made)):
                after.caption(plain(who))
                after.text(text or _EMPTY)


def _close() -> None:
    st.session_state.pop("data_wizard", None)
    st.session_state.pop("data_wizard_job", None)
