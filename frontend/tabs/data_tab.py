"""My datasets: upload, look at rows, read what the check found, delete."""

import tempfile
from pathlib import Path
from typing import Any, Literal

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from crewtune import SAMPLE, Dataset, Job, Row, RowPage, Studio, ValidationReport
from frontend.jobs import draw_state, label_of
from frontend.telling import Once, told
from frontend.words import ago, plain

_TYPES = ["jsonl", "json", "csv", "parquet"]
_ROWS = 10


def render(client: Studio) -> None:
    """Draw the tab."""
    _draw_upload(client)
    _draw_imports(client)
    st.subheader("My datasets")
    with told():
        datasets = client.datasets()
        if not datasets:
            _draw_beginning(client)
            return
        _draw_list(datasets)
        names = [one.name for one in datasets]
        wanted = st.session_state.pop("data_wanted", None)
        if wanted in names:
            st.session_state["data_name"] = wanted
        name = st.selectbox("Look at", names, key="data_name")
        _draw_one(client, next(one for one in datasets if one.name == name))


def _draw_beginning(client: Studio) -> None:
    """Say what to do without a dataset, and offer one to try everything with."""
    st.info(
        "You have no dataset yet. Upload a file above, add one from the Hub under Models & "
        "Datasets, or begin with the sample: 1,050 service requests with their answers."
    )
    clicked = st.button("Add the sample", key="data_sample")
    once = Once("data_sample", clicked=clicked)
    if clicked:
        job = once.send({"sample": SAMPLE}, lambda: client.add_dataset(SAMPLE, sample=SAMPLE))
        st.success(f"Job #{job.number} imports it.")


def _draw_upload(client: Studio) -> None:
    st.subheader("Upload a file")
    with st.form("data_upload"):
        file = st.file_uploader(
            "JSONL, JSON, CSV or Parquet",
            type=_TYPES,
            key="data_file",
            help="Rows of messages, ShareGPT, Alpaca, prompt and completion, or plain text.",
        )
        name = st.text_input(
            "Call it", key="data_new_name", placeholder="left empty: the name of the file"
        )
        sent = st.form_submit_button("Upload", type="primary")
    once = Once("data_upload", clicked=sent)
    if sent and file is None:
        st.warning("Choose a file first.")
    elif sent and file is not None:
        with told():
            given = name.strip() or _name_of(file.name)
            asked = {"file": file.file_id, "name": given}
            job = once.send(asked, lambda: _send(client, file, given))
            st.success(f"{plain(file.name)} was received. Job #{job.number} imports it.")


def _send(client: Studio, file: UploadedFile, name: str) -> Job:
    # The client sends files, not memory, so that large ones go a piece at a time.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(file.name).name or "unnamed")
        path.write_bytes(file.getbuffer())
        upload = client.upload(path)
    return client.add_dataset(name, upload=upload.upload)


def _name_of(filename: str) -> str:
    stem = filename.rpartition(".")[0]
    letters = [
        sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "-" for sign in stem
    ]
    return "".join(letters).lstrip("._-")[:96] or "dataset"


@st.fragment(run_every="2s")
def _draw_imports(client: Studio) -> None:
    """Draw the imports that are under way; when one ends, draw the whole tab anew."""
    with told():
        jobs = client.jobs(kind="import", limit=5).jobs
        active = [job for job in jobs if not job.ended]
        ended = {str(job.id) for job in jobs if job.ended}
        seen = st.session_state.get("data_imports_ended")
        st.session_state["data_imports_ended"] = ended
        for job in active:
            st.caption(plain(label_of(job)))
            draw_state(job)
        failed = jobs[0] if jobs and jobs[0].status == "failed" else None
        if failed is not None:
            st.caption(plain(label_of(failed)))
            draw_state(failed)
        fresh = [job for job in jobs if seen is not None and str(job.id) in ended - seen]
        if fresh:
            st.session_state["data_wanted"] = fresh[0].request.get("name")
            st.rerun()


def _draw_list(datasets: list[Dataset]) -> None:
    rows = [
        {
            "Name": one.name,
            "Rows": one.rows,
            "Format": one.format,
            "From": one.source,
            "Added": ago(one.created_at),
        }
        for one in datasets
    ]
    st.dataframe(rows, hide_index=True, key="data_list")


def _draw_one(client: Studio, dataset: Dataset) -> None:
    rows, checked, origin = st.tabs(
        ["Rows", "Validation", "Origin"], on_change="rerun", key="data_view"
    )
    if rows.open:
        with rows, told():
            _draw_rows(client, dataset)
    if checked.open:
        with checked, told():
            _draw_validation(client.validation(dataset.name))
    if origin.open:
        with origin:
            _draw_origin(dataset)
    with st.popover("Delete this dataset"):
        _confirm_delete(client, dataset.name)


def _draw_rows(client: Studio, dataset: Dataset) -> None:
    pages = max(1, -(-dataset.rows // _ROWS))
    page = st.number_input(f"Page, of {pages:,}", 1, pages, 1, key="data_page", width=160)
    _draw_page(client.rows(dataset.name, offset=(page - 1) * _ROWS, limit=_ROWS))


def _draw_page(page: RowPage) -> None:
    for row in page.rows:
        with st.container(border=True):
            st.caption(f"Row {row.row}")
            parts = [*row.messages, *_marked(row, "chosen"), *_marked(row, "rejected")]
            for message in parts:
                role, text = st.columns([1, 8])
                role.caption(plain(message["role"]))
                text.text(message["content"] or "(empty)")


def _marked(row: Row, side: Literal["chosen", "rejected"]) -> list[dict[str, Any]]:
    """Return the messages of one side of a preference under a role that says which."""
    messages = row.chosen if side == "chosen" else row.rejected
    return [{**message, "role": side} for message in messages]


def _draw_validation(report: ValidationReport) -> None:
    checked, usable, found = st.columns(3)
    checked.metric("Rows checked", f"{report.rows_checked:,}", border=True)
    usable.metric("Usable", f"{report.rows_usable:,}", border=True)
    found.metric("Findings", f"{sum(report.counts.values()):,}", border=True)
    if not report.usable:
        st.warning("Too few rows are usable to train and to compare. Add more, or mend these.")
    if not report.findings:
        st.success("Nothing is wrong with it.")
        return
    st.caption("Faulty and repeated rows are left out of a training; the dataset stays as it is.")
    rows = [one.model_dump() for one in report.findings]
    st.dataframe(rows, hide_index=True, key="data_findings")


def _draw_origin(dataset: Dataset) -> None:
    st.caption("What the import read, and what it left out.")
    st.json(dataset.report)


def _confirm_delete(client: Studio, name: str) -> None:
    st.write(f"**{plain(name)}** goes from your list. Runs that used it keep their rows.")
    if st.button("Delete it", type="primary", key="data_delete"):
        with told():
            client.remove_dataset(name)
            st.rerun()
