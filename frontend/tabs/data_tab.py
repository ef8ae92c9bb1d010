"""My datasets: upload, look at rows, findings and tokens, set the policy, repair, delete."""

import streamlit as st

from crewtune import SAMPLE, Dataset, Studio
from frontend.data.findings import draw_duplicates, draw_findings
from frontend.data.policy import draw_policy
from frontend.data.repairs import draw_repairs
from frontend.data.rows import draw_rows
from frontend.data.split import draw_rehearsal
from frontend.data.tokens import draw_tokens
from frontend.data.wizard import draw_upload
from frontend.jobs import draw_state, label_of
from frontend.telling import Once, told
from frontend.words import ago, plain


def render(client: Studio) -> None:
    """Draw the tab."""
    draw_upload(client)
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
    for tab, draw in zip(
        st.tabs(list(_VIEWS), on_change="rerun", key="data_view"), _VIEWS.values(), strict=True
    ):
        if tab.open:
            with tab, told():
                draw(client, dataset)
    with st.popover("Delete this dataset"):
        _confirm_delete(client, dataset.name)


def _draw_card(client: Studio, dataset: Dataset) -> None:
    card = client.card(dataset.name)
    st.download_button(
        "Download", card, f"{dataset.name}.md", "text/markdown", key="data_card_download"
    )
    st.code(card, language="markdown")
    _draw_origin(dataset)


def _draw_origin(dataset: Dataset) -> None:
    with st.expander("What the import read, and what it left out"):
        st.json(dataset.report)


_VIEWS = {
    "Rows": draw_rows,
    "Findings": draw_findings,
    "Duplicates": draw_duplicates,
    "Policy": draw_policy,
    "Repairs": draw_repairs,
    "Split": draw_rehearsal,
    "Tokens": draw_tokens,
    "Card": _draw_card,
}


def _confirm_delete(client: Studio, name: str) -> None:
    st.write(f"**{plain(name)}** goes from your list. Runs that used it keep their rows.")
    if st.button("Delete it", type="primary", key="data_delete"):
        with told():
            client.remove_dataset(name)
            st.rerun()
