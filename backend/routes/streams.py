"""Job events as they happen: server-sent events, and a WebSocket for those who prefer one.

Who listens is asked again every ten seconds, so that a token that expired, or was taken away, ends
the stream, however much there is to tell.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from backend.database import reading
from backend.deps import AccountsDep, EngineDep
from backend.errors import Refusal
from backend.jobs.feed import Feed, Told
from backend.jobs.queries import find_owned
from backend.owned import FeedDep, OwnedJob
from backend.problems import problems
from backend.tables.job import FINAL

router = APIRouter(prefix="/jobs", tags=["jobs"])

_HEARTBEAT_SECONDS = 10.0
_BIGGEST = 2**31 - 1  # what PostgreSQL keeps in the columns that count
_ENDED, _CLOSING, _FULL, _UNSIGNED, _UNKNOWN = 1000, 1001, 1013, 4401, 4404
_Listener = AsyncIterator[Told | None]


@router.get(
    "/{job_id}/stream",
    summary="Follow a job",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {}}, "description": "Events, as they happen."},
        **problems(401, 403, 404, 422, 503),
    },
)
async def stream_events(
    job: OwnedJob,
    feed: FeedDep,
    accounts: AccountsDep,
    authorization: Annotated[str, Header(include_in_schema=False)] = "",
    last_event_id: Annotated[int, Header(ge=0, le=_BIGGEST)] = 0,
) -> StreamingResponse:
    """Send every event after `Last-Event-ID`, then each as it happens, to the job's end."""
    if feed.full:
        raise Refusal(503, "Too many streams are open. Try again.", headers={"Retry-After": "10"})

    token = _bearer(authorization)

    async def body() -> AsyncIterator[bytes]:
        yield b": welcome\n\n"
        if job.status in FINAL and last_event_id >= job.events:
            return
        async for told in _listen(feed, job.id, last_event_id):
            if told is not None:
                yield told.sse
            elif await asyncio.to_thread(accounts.still_signed_in.user_of, token):
                yield b": still here\n\n"
            else:
                said = '{"status":401,"code":"invalid_token","detail":"Sign in again."}'
                yield format_sse_event(event="error", data_str=said)
                return

    return StreamingResponse(
        body(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


@router.websocket("/{job_id}/ws")
async def follow_by_websocket(
    socket: WebSocket,
    job_id: UUID,
    feed: FeedDep,
    engine: EngineDep,
    accounts: AccountsDep,
    after: Annotated[int, Query(ge=0, le=_BIGGEST)] = 0,
) -> None:
    """Send the same events as JSON messages. Sign in by header, or by a first message."""
    await socket.accept()
    with suppress(WebSocketDisconnect, RuntimeError):
        token = await _token_of(socket)
        busy = _FULL if feed.full else None

        def find() -> int | None:
            """Return why the caller may not listen, if so."""
            try:
                user = accounts.authenticator.of_token(token).user
            except Refusal:
                return _UNSIGNED
            with reading(engine) as connection:
                job = find_owned(connection, user.id, job_id)
            if job is None:
                return _UNKNOWN
            return _ENDED if job.status in FINAL and after >= job.events else busy

        refusal = await asyncio.to_thread(find)
        if refusal is None:
            async for told in _listen(feed, job_id, after):
                if told is not None:
                    await socket.send_text(told.json)
                elif await asyncio.to_thread(accounts.still_signed_in.user_of, token):
                    await socket.send_text("{}")
                else:
                    refusal = _UNSIGNED
                    break
        await socket.close(refusal or (_CLOSING if feed.closing else _ENDED))


async def _token_of(socket: WebSocket) -> str:
    header = socket.headers.get("authorization", "")
    if header:
        return _bearer(header)
    with suppress(TimeoutError, ValueError, KeyError, TypeError, RecursionError):
        first = await asyncio.wait_for(socket.receive_json(), _HEARTBEAT_SECONDS)
        return str(first["token"])
    return ""


def _bearer(authorization: str) -> str:
    return authorization.partition(" ")[2]


async def _listen(feed: Feed, job_id: UUID, sequence: int) -> _Listener:
    """Yield every event after `sequence`, and None at each heartbeat, to the job's end."""
    now = asyncio.get_running_loop().time
    await feed.join(job_id)
    try:
        heartbeat = now() + _HEARTBEAT_SECONDS
        while not feed.closing:
            for told in await feed.after(job_id, sequence, heartbeat - now()):
                yield told
                sequence = told.sequence
                if told.final:
                    return
            if now() >= heartbeat:
                yield None
                heartbeat = now() + _HEARTBEAT_SECONDS
    finally:
        feed.leave(job_id)
