"""An API that dies inside a submission, at whichever database operation a file says."""

import os
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import Engine, event
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.database import open_database
from backend.main import create_app
from backend.settings import Settings
from tests.sdk.real_studio import ByHand

KILLED = 137
_in_submission: ContextVar[Callable[[], None] | None] = ContextVar("in_submission", default=None)


class DiesInSubmission:
    """Counts the database operations of the next submission, and dies at the n-th.

    `n` stands in the file `die_at`, which is gone once it was read: the next submission lives.
    """

    def __init__(self, app: ASGIApp, engine: Engine, die_at: Path) -> None:
        self._app, self._die_at = app, die_at
        for name in ("before_cursor_execute", "commit"):
            event.listen(engine, name, self._count)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and self._die_at.exists():
            left = int(self._die_at.read_text(encoding="utf-8"))
            self._die_at.unlink()

            def count() -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    os._exit(KILLED)

            _in_submission.set(count)
        await self._app(scope, receive, send)

    def _count(self, *_: Any) -> None:
        count = _in_submission.get()
        if count is not None:
            count()


def serve(url: str, folder: Path, port: int) -> None:
    """Serve the real API, whose jobs nobody does, until it dies."""
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        CREWTUNE_DATA_DIR=folder / "data",
        CREWTUNE_SECRET_KEY="only-for-tests-0123456789-abcdefghijklmnop",
    )
    engine = open_database(url)
    app = create_app(settings, engine, password_rounds=4, runner=ByHand())
    dying = DiesInSubmission(app, engine, folder / "die_at")
    uvicorn.run(dying, port=port, log_level="critical")
