"""A name for every request: in the answer's header, in a problem's body and in every log line."""

import re
from contextvars import ContextVar
from secrets import token_hex

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

request_id: ContextVar[str] = ContextVar("request_id", default="-")
_GIVEN = re.compile(rb"[A-Za-z0-9._-]{8,64}")


class RequestIds:
    """Middleware that takes the caller's `X-Request-ID` when it has one, or makes one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Name the request, and pass it on."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        name = given.decode() if _GIVEN.fullmatch(given) else token_hex(8)
        request_id.set(name)

        async def send_named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = name
            await send(message)

        await self._app(scope, receive, send_named)
