"""Show the MLflow UI over every run, on this machine alone.

One worker and no job execution: MLflow's defaults start fifteen processes. It has no sign-in, so it
listens on loopback only.

Not covered: an MLflow server that is set with MLFLOW_TRACKING_URI; open its own address.
"""

import os
import socket
import sys

from backend.settings import Settings, server_environment

_HOST, _PORT = "127.0.0.1", 5000


def main() -> int:
    """Become the MLflow server, or return the exit code 1 when it cannot be started."""
    settings = Settings()
    if settings.mlflow_tracking_uri:
        sys.stderr.write(f"Runs are recorded at {settings.tracking_store().shown}. Open that.\n")
        return 1
    with socket.socket() as probe:
        if probe.connect_ex((_HOST, _PORT)) == 0:
            sys.stderr.write(f"Port {_PORT} is taken. End the program that uses it.\n")
            return 1
    store = settings.tracking_store()
    store.client()  # makes the database when there is none
    sys.stdout.write(f"MLflow on http://{_HOST}:{_PORT}. Ctrl-C ends it.\n")
    sys.stdout.flush()
    command = [sys.executable, "-m", "mlflow", "server", "--host", _HOST, "--port", str(_PORT)]
    command += ["--workers", "1", "--backend-store-uri", store.tracking_uri]
    command += ["--default-artifact-root", str(settings.mlruns_dir.resolve())]
    # In the place of this process, so that whatever ends it ends the server.
    os.execve(sys.executable, command, server_environment())


if __name__ == "__main__":
    sys.exit(main())
