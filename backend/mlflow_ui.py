"""Show the MLflow UI over every run, on this machine alone.

One worker and no job execution: MLflow's defaults start fifteen processes. It has no sign-in, so it
listens on loopback only.

Not covered: a server that MLFLOW_TRACKING_URI names; open its own address.
"""

import argparse
import os
import socket
import sys

from backend.settings import Settings, checked, quiet_libraries, server_environment
from tools.errors import ToolError, TrackingError

_HOST, _PORT = "127.0.0.1", 5000


def main(arguments: list[str] | None = None) -> int:
    """Become the MLflow server, or return the exit code 1 when it cannot be started."""
    parser = argparse.ArgumentParser(prog="python -m backend.mlflow_ui", description=__doc__)
    parser.add_argument("--port", type=_port, default=_PORT, help=f"default: {_PORT}")
    port = parser.parse_args(arguments).port
    quiet_libraries()
    try:
        settings = checked(Settings)
        command = server_command(settings, port)
        runs = f"#/experiments/{settings.tracking_store().open().experiment_id}/runs"
    except ToolError as error:
        sys.stderr.write(f"Stopped: {error}\n")
        return 1
    address = f"http://{_HOST}:{port}"
    sys.stdout.write(f"Runs:   {address}/{runs}\nModels: {address}/#/models\nCtrl-C ends it.\n")
    sys.stdout.flush()
    # In the place of this process, so that whatever ends it ends the server.
    os.execve(sys.executable, command, server_environment())


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a port: give 1 to 65535")
    return int(text)


def server_command(settings: Settings, port: int) -> list[str]:
    """Return the command of a server over the runs that are recorded on this machine.

    Raises:
        TrackingError: The port is taken, or the runs are recorded elsewhere or cannot be read.
    """
    store = settings.tracking_store()
    if store.tracking_uri.startswith("http"):
        raise TrackingError(f"Runs are recorded at {store.shown}. Open that in a browser.")
    with socket.socket() as probe:
        if probe.connect_ex((_HOST, port)) == 0:
            raise TrackingError(f"Port {port} is taken. Choose another: make mlflow PORT=5001.")
    store.client()  # makes the database when there is none
    command = [sys.executable, "-m", "mlflow", "server", "--host", _HOST, "--port", str(port)]
    command += ["--workers", "1", "--uvicorn-opts", "--log-level warning"]
    command += ["--backend-store-uri", store.tracking_uri]
    return [*command, "--default-artifact-root", str(settings.mlruns_dir.resolve())]


if __name__ == "__main__":
    sys.exit(main())
