"""Serve the API: `python -m backend.serve --port 8000`."""

import argparse
import signal
import socket
import sys
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from backend.logs import configure_logs
from backend.main import create_app
from backend.open_files import allow_many_files
from backend.prepare import prepare
from backend.settings import Settings, quiet_libraries, use_endpoint

_MOST_WEBSOCKET_BYTES = 1 << 16


class _Server(uvicorn.Server):
    """Ends the open streams before it waits for the connections: of themselves they never end."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let every listener go, then whoever is being answered."""
        await self._app.state.feed.close()
        await super().shutdown(sockets)


def main() -> None:
    """Serve until told to stop; what is being answered gets a moment to end."""
    parser = argparse.ArgumentParser(prog="backend.serve", description="CrewTune's API.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    parser.add_argument(
        "--prepare",
        action="store_true",
        help="bring the database to today's shape first, and log the setup code of a new studio",
    )
    given = parser.parse_args()
    quiet_libraries()
    configure_logs()
    allow_many_files()
    settings = Settings()
    use_endpoint(settings)
    # uvicorn repeats the signal when it has ended: to be asked to stop is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if given.prepare:
        code = prepare(settings)
        if code is not None:
            sys.stderr.write(f"Make the first account with this code, once: {code}\n")
    with suppress(KeyboardInterrupt):
        _serve(settings, given.host, given.port)


def _serve(settings: Settings, host: str, port: int) -> None:
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        # h11 bounds a request's head; httptools takes 32 MiB of it.
        http="h11",
        # A client sends its token and nothing else; what it is sent may be longer.
        ws_max_size=_MOST_WEBSOCKET_BYTES,
        timeout_graceful_shutdown=5,
        server_header=False,
    )
    _Server(config, app).run()


if __name__ == "__main__":
    main()
