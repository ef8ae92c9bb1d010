"""Serve the API: `python -m backend.serve --port 8000`."""

import argparse
import sys

import uvicorn

from backend.logs import configure_logs
from backend.open_files import allow_many_files
from backend.prepare import prepare
from backend.settings import Settings, quiet_libraries


def main() -> None:
    """Serve until told to stop; open streams get a moment to end."""
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
    if given.prepare:
        code = prepare(Settings())
        if code is not None:
            sys.stderr.write(f"Make the first account with this code, once: {code}\n")
    uvicorn.run(
        "backend.main:create_app",
        factory=True,
        host=given.host,
        port=given.port,
        log_config=None,
        access_log=False,
        # h11 bounds a request's head; httptools takes 32 MiB of it.
        http="h11",
        timeout_graceful_shutdown=5,
        server_header=False,
    )


if __name__ == "__main__":
    main()
