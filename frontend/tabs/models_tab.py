"""Find models and datasets on the Hub, add them, and see which are here already."""

import streamlit as st

from crewtune import Found, HubPage, Model, Studio
from frontend.telling import Once, told
from frontend.words import ago, count, plain, size

_FOUND = 12
_KINDS = {
    "bundled": "comes with CrewTune",
    "local": "in your workspace",
    "cached": "fetched from the Hub",
    "tuned": "tuned here",
}


def render(client: Studio) -> None:
    """Draw the tab."""
    st.subheader("Find on the Hugging Face Hub")
    left, right = st.columns([1, 4], vertical_alignment="bottom")
    kind = left.segmented_control(
        "Look for", ["Models", "Datasets"], default="Models", key="models_kind", required=True
    )
    with right, st.form("models_search", border=False):
        field, button = st.columns([5, 1], vertical_alignment="bottom")
        query = field.text_input("Search", key="models_query", placeholder="qwen instruct")
        button.form_submit_button("Search", type="primary", width="stretch")
    if query.strip():
        with told():
            find = client.search_models if kind == "Models" else client.search_datasets
            _draw_found(client, find(query.strip(), limit=_FOUND), of_models=kind == "Models")
    else:
        st.caption("Results show downloads, likes, size, licence, and whether access is gated.")
    st.subheader("Models that are here")
    with told():
        _draw_models(client.models())


def _draw_found(client: Studio, page: HubPage, *, of_models: bool) -> None:
    if page.note:
        st.warning(plain(page.note))
    elif not page.found:
        st.info("Nothing was found. Try fewer or other words, or a full id like org/name.")
    columns = st.columns(2)
    for place, found in enumerate(page.found):
        with columns[place % 2], st.container(border=True):
            _draw_card(found)
            if of_models:
                _draw_choose(found)
            else:
                _draw_add(client, found)


def _draw_card(found: Found) -> None:
    st.markdown(f"**{plain(found.id)}**")
    with st.container(horizontal=True, gap="small"):
        if found.gated:
            st.badge("gated: accept its terms on the Hub", color="orange")
        st.badge(plain(found.licence) if found.licence else "no licence given", color="gray")
    facts = [f"{count(found.downloads)} downloads", f"{count(found.likes)} likes"]
    facts += [size(found.bytes)] if found.bytes is not None else []
    facts += [f"updated {ago(found.updated_at)}"] if found.updated_at else []
    st.caption(" · ".join(facts))


def _draw_choose(found: Found) -> None:
    if st.button("Use for training", key=f"models_use_{found.id}"):
        st.session_state["training_wanted_model"] = found.id
        st.success("It is chosen. Open the tab Training to go on.")


def _draw_add(client: Studio, found: Found) -> None:
    with st.expander("Add to my datasets"), st.form(f"models_add_{found.id}", border=False):
        default = found.id.rpartition("/")[2][:96]
        name = st.text_input("Call it", default, key=f"models_name_{found.id}")
        config, split = st.columns(2)
        given = config.text_input("Configuration", key=f"models_config_{found.id}")
        part = split.text_input("Split", "train", key=f"models_split_{found.id}")
        sent = st.form_submit_button("Add")
        asked = {"hub_id": found.id, "config": given.strip() or None, "split": part.strip()}
        once = Once(f"models_add_{found.id}", clicked=sent)
        if sent:
            with told():
                job = once.send(
                    {"name": name, **asked},
                    lambda: client.add_dataset(
                        name.strip(),
                        hub_id=found.id,
                        config=asked["config"],
                        split=asked["split"],
                    ),
                )
                st.success(f"Job #{job.number} imports it. Its progress is under Data.")


def _draw_models(models: list[Model]) -> None:
    if not models:
        st.info("There is no model here yet. Search above, and use one for training.")
        return
    rows = [
        {
            "Model": one.name,
            "Where from": _KINDS.get(one.kind, one.kind),
            "Parameters": count(one.parameters),
            "Size": size(one.bytes),
            "Base": one.base or "",
        }
        for one in models
    ]
    st.dataframe(rows, hide_index=True, key="models_here")
