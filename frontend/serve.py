"""Start the screens: `python -m frontend.serve --api http://127.0.0.1:8000`.

Streamlit runs as an ASGI application, so that the routes of the session's cookie stand beside it.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import App

from frontend.routes import session_routes
from frontend.sessions import SESSIONS

# Streamlit and Vega need inline code of their own. Nothing is fetched from or sent to elsewhere,
# so a picture in a text of a model or a dataset tells nobody that it was looked at.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class SafeHeaders:
    """Adds headers that keep the page to itself to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application does, with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *_HEADERS]}
            await send(message)

        await self._app(scope, receive, send_with_headers)


def create_ui(api: str) -> App:
    """Return the screens over the API at the address `api`."""
    return App(
        Path(__file__).with_name("app.py"),
        secrets={"api": api},
        routes=session_routes(SESSIONS),
        middleware=[Middleware(SafeHeaders)],
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Start the screens and stay until they are stopped."""
    parser = argparse.ArgumentParser(prog="frontend.serve", description="CrewTune's screens.")
    parser.add_argument("--api", default="http://127.0.0.1:8000", help="address of the API")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8501, help="port to listen on")
    given = parser.parse_args(arguments)
    create_ui(given.api).run(config={"server.address": given.address, "server.port": given.port})


if __name__ == "__main__":
    main()
