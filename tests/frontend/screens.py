"""Open one tab, or the whole page, without a browser."""

from typing import Any

from streamlit.testing.v1 import AppTest


def open_tab(tab: str, client: object) -> AppTest:
    """Return the tab of that module, drawn once for `client`."""

    def script(tab, client):  # AppTest runs its source alone: no annotations, imports inside
        from importlib import import_module

        import_module(f"frontend.tabs.{tab}").render(client)

    screen = AppTest.from_function(script, default_timeout=20, args=(tab, client)).run()
    assert not screen.exception, [one.message for one in screen.exception]
    return screen


def texts(screen: AppTest) -> str:
    """Return all that the screen says, one piece a line."""
    kinds: list[Any] = [
        screen.markdown,
        screen.caption,
        screen.text,
        screen.info,
        screen.success,
        screen.warning,
        screen.error,
        screen.code,
        screen.subheader,
    ]
    return "\n".join(str(one.value) for kind in kinds for one in kind)
