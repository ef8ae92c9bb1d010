"""Who may come in, a part of the System tab that admins see: invitations, registration, users."""

import streamlit as st

from crewtune import Studio, User
from frontend.telling import told
from frontend.words import plain

_ROLES = ("member", "viewer", "admin")


def draw_people(client: Studio) -> None:
    """Draw the invitations and the users."""
    st.subheader("People")
    with st.expander("Invite someone"):
        _draw_invite(client)
    with st.expander("Users"):
        _draw_registration(client)
        with told():
            me = client.me()
            for user in client.users():
                _draw_user(client, user, myself=user.id == me.id)


def _draw_invite(client: Studio) -> None:
    with st.form("system_invite", border=False):
        left, right = st.columns([4, 1], vertical_alignment="bottom")
        role = left.selectbox("Role", _ROLES, key="system_invite_role")
        sent = right.form_submit_button("Make an invitation")
    with told():
        if sent:
            made = client.invite(role)
            st.success("Give them this code. It makes one account within 7 days.")
            st.code(made.code.get_secret_value(), language=None)
        for one in client.invitations():
            with st.container(horizontal=True, vertical_alignment="center"):
                st.text(f"{one.role} · until {one.expires_at:%d %B %Y}")
                if st.button("Withdraw", key=f"system_withdraw_{one.id}", type="tertiary"):
                    client.withdraw_invitation(one.id)
                    st.rerun()


def _draw_registration(client: Studio) -> None:
    with told():
        is_open = client.registration().open
        wanted = st.toggle(
            "Anyone who reaches this page may make an account",
            is_open,
            key="system_registration_open",
        )
        if wanted != is_open:
            client.open_registration(wanted)
            st.rerun()


def _draw_user(client: Studio, user: User, *, myself: bool) -> None:
    name, role, active = st.columns([3, 2, 2], vertical_alignment="center")
    name.markdown(f"{plain(user.username)}{' (you)' if myself else ''}")
    roles = [user.role, *(one for one in _ROLES if one != user.role)]
    wanted_role = role.selectbox(
        "Role",
        roles,
        key=f"system_role_{user.id}_{user.role}",
        disabled=myself,
        label_visibility="collapsed",
    )
    wanted_active = active.toggle(
        "May sign in", user.active, key=f"system_active_{user.id}_{user.active}", disabled=myself
    )
    if wanted_role != user.role:
        client.change_user(user.id, role=wanted_role)
        st.rerun()
    if wanted_active != user.active:
        client.change_user(user.id, active=wanted_active)
        st.rerun()
