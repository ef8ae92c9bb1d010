"""The studio's API: put together here, started by `uvicorn --factory backend.main:create_app`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp

from backend.accounts.accounts import open_accounts
from backend.answers import OneLength, PlainRefusals, SafeHeaders
from backend.clock import Clock, utc_now
from backend.database import open_database
from backend.errors import install_error_handlers
from backend.hardware import Hardware
from backend.housekeeping import Housekeeping
from backend.jobs.dispatcher import Dispatcher
from backend.jobs.feed import Feed
from backend.jobs.local_runner import LocalRunner, Runner
from backend.jobs.public import Counter
from backend.jobs.store import JobStore
from backend.problems import only_problems, problems
from backend.request_id import RequestIds
from backend.routes import (
    auth,
    data_work,
    datasets,
    experiments,
    health,
    jobs,
    models,
    streams,
    system,
    uploads,
    users,
    work,
)
from backend.security.passwords import ROUNDS, Passwords
from backend.security.secret_key import signing_secret
from backend.settings import Settings, worker_environment

# A mebibyte of text and what stands around it. Where a route takes a file, it says how large.
_MOST_BODY_BYTES = 2**20 + 2**14
# An unknown host; a database that is away; a disk that is full.
_ANYWHERE = problems(400, 503, 507)
_OF_THE_API = (
    auth.router,
    users.router,
    jobs.router,
    streams.router,
    datasets.router,
    data_work.router,
    work.router,
    models.router,
    experiments.router,
    system.router,
)


class Studio(FastAPI):
    """The application, with our middleware around all of it, its own error answers included."""

    def openapi(self) -> dict[str, Any]:
        """Return the description of the API, in which a problem is a problem and nothing else."""
        return only_problems(super().openapi())

    def build_middleware_stack(self) -> ASGIApp:
        """Return what answers requests."""
        return RequestIds(SafeHeaders(OneLength(PlainRefusals(super().build_middleware_stack()))))


def create_app(
    settings: Settings | None = None,
    engine: Engine | None = None,
    *,
    clock: Clock = utc_now,
    password_rounds: int = ROUNDS,
    runner: Runner | None = None,
) -> FastAPI:
    """Return the application. A test passes its own settings, engine, clock, rounds and runner."""
    settings = settings or Settings()
    app = Studio(
        title="CrewTune",
        docs_url="/docs" if settings.api_docs else None,
        openapi_url="/openapi.json" if settings.api_docs else None,
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=_MOST_BODY_BYTES,
        lifespan=_work_while_open,
    )
    app.state.settings = settings
    app.state.engine = engine or open_database(settings.studio_database_url)
    secret = signing_secret(settings.secret_key, settings.data_dir)
    passwords = Passwords(password_rounds)
    app.state.accounts = open_accounts(app.state.engine, clock, secret, passwords)
    _add_jobs(app, runner, clock)
    app.add_middleware(
        TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts), www_redirect=False
    )
    install_error_handlers(app)
    app.include_router(health.router)
    app.include_router(system.probes)
    for router in (*_OF_THE_API, uploads.uploads_router(settings.upload_bytes)):
        app.include_router(router, prefix="/api", responses=_ANYWHERE)
    return app


def _add_jobs(app: FastAPI, runner: Runner | None, clock: Clock) -> None:
    state, settings = app.state, app.state.settings
    runner = runner or LocalRunner(
        worker_environment(settings),
        settings.data_dir / "logs",
        idle_seconds=60 * settings.ready_minutes,
    )
    store = JobStore(state.engine)
    state.feed = Feed(state.engine)
    state.dispatcher = Dispatcher(store, runner, settings.slots())
    state.hardware = Hardware(settings.data_dir, worker_environment(settings))
    state.counter = Counter(store, state.dispatcher.wake)
    state.housekeeping = Housekeeping(
        settings,
        state.engine,
        clock=clock,
        mlflow_answers=lambda: system.mlflow_state(settings).reachable,
    )


@asynccontextmanager
async def _work_while_open(app: FastAPI) -> AsyncIterator[None]:
    """Dispatch jobs while the server runs. The jobs themselves go on when it ends."""
    app.state.hardware.look()
    app.state.dispatcher.start()
    app.state.housekeeping.start()
    yield
    await app.state.feed.close()
    app.state.hardware.close()
    await asyncio.to_thread(app.state.housekeeping.stop)
    await asyncio.to_thread(app.state.dispatcher.stop)
