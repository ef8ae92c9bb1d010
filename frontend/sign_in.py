"""The first screen: sign in, make the first admin's account, or make one by invitation."""

import streamlit as st

from crewtune import Studio
from frontend.telling import shown
from frontend.words import plain

_PASSWORD_HELP = "At least 15 characters. A few unrelated words are easy to remember."


def render(client: Studio) -> bool:
    """Draw the screen; return whether `client` is signed in now."""
    _, middle, _ = st.columns([1, 1.2, 1])
    with middle:
        st.title("CrewTune")
        st.caption(
            "A crew of four agents fine-tunes a language model and proves that it got better."
        )
        because = st.session_state.pop("signed_out_because", None)
        if because:
            st.info(plain(because))
        with shown():
            state = client.registration()
            if state.setup_needed:
                return _set_up(client)
            return _sign_in_or_register(client)
    return False


def _set_up(client: Studio) -> bool:
    st.subheader("Make the first account")
    st.write(
        "It is the admin's. The setup code was printed where the studio was started; it works once."
    )
    with st.form("signin_setup"):
        code = st.text_input("Setup code", key="signin_setup_code", autocomplete="off")
        username, password = _new_account("signin_setup")
        sent = st.form_submit_button("Make the account", type="primary")
    if not sent:
        return False
    with shown():
        client.set_up(code.strip(), username, password)
        client.sign_in(username, password)
        return True
    return False


def _sign_in_or_register(client: Studio) -> bool:
    sign_in, register = st.tabs(["Sign in", "I have an invitation"], key="signin_way")
    with sign_in, st.form("signin_form"):
        username = st.text_input("Username", key="signin_username", autocomplete="username")
        password = st.text_input(
            "Password", type="password", key="signin_password", autocomplete="current-password"
        )
        sent = st.form_submit_button("Sign in", type="primary")
    if sent:
        with shown():
            client.sign_in(username, password)
            return True
    with register:
        return _register(client)


def _register(client: Studio) -> bool:
    with st.form("signin_register"):
        st.write("An admin makes invitations under System. Leave the code empty if none is needed.")
        code = st.text_input("Invitation code", key="signin_invitation", autocomplete="off")
        username, password = _new_account("signin_register")
        sent = st.form_submit_button("Make the account", type="primary")
    if not sent:
        return False
    with shown():
        client.register(username, password, invitation_code=code.strip() or None)
        client.sign_in(username, password)
        return True
    return False


def _new_account(form: str) -> tuple[str, str]:
    username = st.text_input("Username", key=f"{form}_username", autocomplete="username")
    password = st.text_input(
        "Password",
        type="password",
        key=f"{form}_password",
        autocomplete="new-password",
        help=_PASSWORD_HELP,
    )
    return username, password
