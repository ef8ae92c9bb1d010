"""What the screens say when the API refuses, and what keeps a form from being sent twice."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from crewtune import ApiError, Job, NotSignedIn
from frontend.words import plain


@contextmanager
def shown() -> Iterator[None]:
    """Show a refusal as the API says it."""
    try:
        yield
    except ApiError as error:
        st.error(plain(error))


@contextmanager
def told(say: Callable[[str], object] = st.error) -> Iterator[None]:
    """Show a refusal as the API says it. Who is not signed in any more is asked to sign in.

    `say` is for what refreshes by itself: there, a message on the page is gone in a moment.
    """
    try:
        yield
    except NotSignedIn as error:
        st.session_state["signed_out_because"] = str(error)
        st.rerun()
    except ApiError as error:
        say(plain(error))


def toast(message: str) -> None:
    """Show a message that outlives a refresh of what is below it."""
    st.toast(message, duration="long")


class Once:
    """Sends what a form asks for once, however often its button is clicked meanwhile.

    A second click interrupts the page that the first one draws and runs it again with the same
    fields. It gets the job of the first. Drawn without a click, the form is ready for the next.
    """

    def __init__(self, form: str, *, clicked: bool) -> None:
        sent = st.session_state.setdefault(f"{form}_sent", {})
        if not clicked:
            sent.clear()
        self._sent: dict[str, Job] = sent

    def send(self, asked: dict[str, Any], send: Callable[[], Job]) -> Job:
        """Return the job that `send` starts, or the one it started for the same a moment ago."""
        key = json.dumps(asked, sort_keys=True)
        # One statement on a plain dictionary: Streamlit can interrupt at its own calls alone.
        if key not in self._sent:
            self._sent[key] = send()
        return self._sent[key]
