"""One's own account, a part of the System tab: password, API keys, signing out everywhere."""

import streamlit as st

from crewtune import ApiKey, Studio
from frontend.telling import told
from frontend.words import ago

_SCOPES = {"read": ("read",), "read and write": ("read", "write")}


def draw_account(client: Studio) -> None:
    """Draw the account of whoever is signed in."""
    st.subheader("Your account")
    with st.expander("API keys"):
        _draw_keys(client)
    with st.expander("Change the password"):
        _draw_password(client)
    with st.expander("Sign out everywhere"):
        st.write("Ends your sessions in every browser and command line. API keys go on.")
        if st.button("Sign out everywhere", key="system_everywhere"):
            with told():
                client.sign_out_everywhere()
                st.session_state["signed_out_because"] = "You are signed out everywhere."
                st.rerun()


def _draw_keys(client: Studio) -> None:
    st.caption("A key signs a program in. It is shown once, when it is made.")
    with st.form("system_key", border=False):
        left, middle, right = st.columns([3, 2, 1], vertical_alignment="bottom")
        name = left.text_input("Name", key="system_key_name")
        scope = middle.selectbox("It may", list(_SCOPES), key="system_key_scope")
        sent = right.form_submit_button("Make a key")
    with told():
        if sent:
            made = client.make_api_key(name, *_SCOPES[scope])  # type: ignore[arg-type]
            st.success("Copy it now; it is not shown again.")
            st.code(made.key.get_secret_value(), language=None)
        for key in client.api_keys():
            _draw_key(client, key)


def _draw_key(client: Studio, key: ApiKey) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        used = f"used {ago(key.last_used_at)}" if key.last_used_at else "never used"
        about = f"{key.name} · {key.start}… · {', '.join(key.scopes)} · {used}"
        st.text(about)
        if st.button("Revoke", key=f"system_revoke_{key.id}", type="tertiary"):
            client.revoke_api_key(key.id)
            st.rerun()


def _draw_password(client: Studio) -> None:
    with st.form("system_password", border=False):
        current = st.text_input(
            "Current password",
            type="password",
            key="system_password_current",
            autocomplete="current-password",
        )
        new = st.text_input(
            "New password",
            type="password",
            key="system_password_new",
            autocomplete="new-password",
            help="At least 15 characters.",
        )
        sent = st.form_submit_button("Change it")
    if sent:
        with told():
            client.change_password(current, new)
            st.success("It is changed. Every other session of yours has ended.")
