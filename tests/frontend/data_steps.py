"""Open a view of the Data tab, and see what it asked the studio for."""

from typing import Any

from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import AppTest, open_tab


def view(studio: FakeStudio, name: str) -> AppTest:
    """Return the tab with one of its views open."""
    tab = open_tab("data_tab", studio)
    tab.session_state["data_view"] = name
    tab.run()
    assert not tab.exception, [one.message for one in tab.exception]
    return tab


def asked_for(studio: FakeStudio, what: str) -> list[Any]:
    return [one[1:] if len(one) > 2 else one[1] for one in studio.asked if one[0] == what]
