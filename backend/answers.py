"""What every answer carries, whoever gives it: headers for browsers, and problems as problems.

These stand around the whole application, so that an answer of the web framework itself, to an
unknown host or a body that is too long, looks like ours.
"""

from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.errors import Problem
from backend.request_id import request_id

_NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
# The page of /docs, which a setting turns on, fetches its scripts from where FastAPI keeps them.
_DOCS = (
    "default-src 'none'; connect-src 'self'; frame-ancestors 'none'; "
    "script-src 'unsafe-inline' https://cdn.jsdelivr.net; "
    "style-src https://cdn.jsdelivr.net; img-src data: https://fastapi.tiangolo.com"
)
_WORDS = {
    400: ("unknown_host", "The API is not known under this name. See CREWTUNE_ALLOWED_HOSTS."),
    413: ("too_large", "The body is too large. Send less, or a file where one is taken."),
}


class SafeHeaders:
    """Middleware that tells browsers to run, frame, guess and keep nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to the answer."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        docs = scope["path"] == "/docs"

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", _DOCS if docs else _NOTHING)
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_safely)


class PlainRefusals:
    """Middleware that turns the framework's refusals, which are plain text, into problems."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Replace a plain refusal."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        replaced = False

        async def send_problem(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and _is_plain_refusal(message):
                replaced = True
                await _refusal(scope, message["status"])(scope, receive, send)
            elif not replaced:
                await send(message)

        await self._app(scope, receive, send_problem)


class OneLength:
    """Middleware that refuses a request which gives its length in both of the ways there are.

    A proxy before this server may have gone by the other one, and taken the rest for a request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse it, and let the server close the connection."""
        headers = Headers(scope=scope) if scope["type"] == "http" else {}
        if not ("content-length" in headers and "transfer-encoding" in headers):
            return await self._app(scope, receive, send)
        detail = "Give either Content-Length or Transfer-Encoding, not both."
        refusal = _problem(scope, 400, "malformed_request", detail)
        refusal.headers["Connection"] = "close"
        await refusal(scope, receive, send)


def _is_plain_refusal(message: Message) -> bool:
    kind = Headers(raw=message["headers"]).get("content-type", "")
    return message["status"] >= 400 and kind.startswith("text/plain")


def _refusal(scope: Scope, status: int) -> JSONResponse:
    code, detail = _WORDS.get(status, ("refused", f"{HTTPStatus(status).phrase}."))
    return _problem(scope, status, code, detail)


def _problem(scope: Scope, status: int, code: str, detail: str) -> JSONResponse:
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        instance=scope["path"][:200],
        request_id=request_id.get(),
    )
    return JSONResponse(problem.model_dump(mode="json"), status, media_type=Problem.media_type)
