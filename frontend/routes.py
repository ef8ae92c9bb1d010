"""The two addresses beside the screens that set and clear the session's cookie.

Both are for our own page alone: a request that another site caused is refused, so that nobody is
signed in as somebody else by following a link.
"""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from frontend.sessions import COOKIE, LIFE_SECONDS, Sessions

_MOST_BYTES = 200


def session_routes(sessions: Sessions) -> list[Route]:
    """Return `/session/enter`, which takes a ticket, and `/session/leave`."""

    async def enter(request: Request) -> Response:
        if not _from_our_page(request):
            return PlainTextResponse("This is for the studio's own page.", 403)
        session_id = sessions.redeem(await _body(request))
        if session_id is None:
            return PlainTextResponse("This ticket is not valid. Sign in again.", 403)
        answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
        answer.set_cookie(
            COOKIE,
            session_id,
            max_age=LIFE_SECONDS,
            path="/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer

    async def leave(request: Request) -> Response:
        if not _from_our_page(request):
            return PlainTextResponse("This is for the studio's own page.", 403)
        sessions.close(request.cookies.get(COOKIE, ""))
        answer = Response(status_code=204, headers={"Cache-Control": "no-store"})
        answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
        return answer

    return [
        Route("/session/enter", enter, methods=["POST"]),
        Route("/session/leave", leave, methods=["POST"]),
    ]


def _from_our_page(request: Request) -> bool:
    """Return whether the browser says that a page of this very host sends the request."""
    host = request.headers.get("origin", "").partition("://")[2]
    return bool(host) and host == request.headers.get("host")


async def _body(request: Request) -> str:
    received = b""
    async for part in request.stream():
        received += part
        if len(received) > _MOST_BYTES:
            return ""
    return received.decode("ascii", errors="replace")
