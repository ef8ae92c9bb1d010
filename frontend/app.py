"""The page: the sign-in screen, or the tabs of whoever is signed in.

Started by `frontend.serve`. Nothing is decided here or in the tabs; the API decides.
"""

import json
from contextlib import suppress
from pathlib import Path

import streamlit as st

from crewtune import ApiError, Studio
from frontend import sign_in
from frontend.sessions import COOKIE, SESSIONS
from frontend.tabs import (
    crew_tab,
    data_tab,
    experiments_tab,
    models_tab,
    system_tab,
    training_tab,
)
from frontend.telling import told
from frontend.words import plain

_ICON = str(Path(__file__).with_name("icon.svg"))
# Streamlit leaves the height of a toolbar that is not shown, and has no setting for it.
_STYLE = "<style>.stMainBlockContainer {padding-top: 2.5rem; max-width: 80rem;}</style>"
TABS = {
    "Models & Datasets": models_tab.render,
    "Data": data_tab.render,
    "Training": training_tab.render,
    "Crew": crew_tab.render,
    "Experiments": experiments_tab.render,
    "System": system_tab.render,
}


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="CrewTune", layout="wide", page_icon=_ICON)
    st.html(_STYLE)
    client = _signed_in()
    if client is None:
        _draw_sign_in()
    else:
        _draw_studio(client)


def _signed_in() -> Studio | None:
    session_id = _session_id()
    if "signed_out_because" in st.session_state:
        SESSIONS.close(session_id)
    return SESSIONS.find(session_id)


def _session_id() -> str:
    return st.session_state.get("session_id") or st.context.cookies.get(COOKIE, "")


def _draw_sign_in() -> None:
    if st.session_state.pop("leaving", False):
        _send("/session/leave", "")
    if "visitor" not in st.session_state:
        st.session_state["visitor"] = Studio(st.secrets["api"])
    client = st.session_state["visitor"]
    if sign_in.render(client):
        session_id, ticket = SESSIONS.open(client)
        st.session_state.clear()
        st.session_state["session_id"] = session_id
        st.session_state["ticket"] = ticket
        st.rerun()


def _draw_studio(client: Studio) -> None:
    ticket = st.session_state.pop("ticket", None)
    if ticket:
        _send("/session/enter", ticket)
    _draw_header(client)
    for tab, render in zip(
        st.tabs(list(TABS), on_change="rerun", key="app_tab", bind="query-params"),
        TABS.values(),
        strict=True,
    ):
        if tab.open:  # a closed tab makes no request
            with tab:
                render(client)


def _draw_header(client: Studio) -> None:
    name, account = st.columns([3, 2], vertical_alignment="bottom")
    name.title("CrewTune")
    with (
        account,
        st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"),
    ):
        with told():
            user = client.me()
            st.caption(f"{plain(user.username)} · {plain(user.role)}", width="content")
        if st.button("Sign out", key="app_sign_out", type="tertiary"):
            _sign_out(client)


def _sign_out(client: Studio) -> None:
    SESSIONS.close(_session_id())
    with suppress(ApiError):  # signed out here in any case
        client.sign_out()
    st.session_state.clear()
    st.session_state["leaving"] = True
    st.rerun()


def _send(path: str, body: str) -> None:
    """Let the browser send `body` to one of our own addresses, whose answer sets the cookie."""
    request = json.dumps(
        {"method": "POST", "body": body, "headers": {"Content-Type": "text/plain"}}
    )
    st.html(f"<script>fetch({json.dumps(path)}, {request});</script>", unsafe_allow_javascript=True)


main()
