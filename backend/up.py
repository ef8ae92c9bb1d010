"""Start the studio on this machine: MLflow, the API and the UI, until Ctrl-C.

All three listen on loopback. The jobs that run when it ends go on; the next start finds them.

Not covered: other machines, and containers (`docker-compose.yml`).
"""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from backend.mlflow_ui import server_command
from backend.prepare import prepare
from backend.settings import (
    Settings,
    SettingsError,
    checked,
    quiet_libraries,
    server_environment,
)
from tools.errors import ToolError

_HOST = "127.0.0.1"
_START_SECONDS = 120
_STOP_SECONDS = 10
_LAST_LINES = 15


@dataclass(frozen=True)
class Service:
    """One of the servers."""

    name: str
    setting: str
    port: int
    answers_at: str
    command: Sequence[str]
    environment: dict[str, str]

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        return f"http://{_HOST}:{self.port}"


def main() -> int:
    """Run the studio; return 0 when it was stopped, 1 when it could not go on."""
    quiet_libraries()
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    try:
        settings = checked(Settings)
        services = services_of(settings)
        refuse_taken_ports(services)
        code = prepare(settings)
        return _run(services, code, stop, logs=settings.data_dir / "logs")
    except ToolError as error:
        _say(f"Stopped: {error}")
        return 1


def services_of(settings: Settings) -> list[Service]:
    """Return what is to be started. A server that MLFLOW_TRACKING_URI names is not started here."""
    tracking = settings.mlflow_tracking_uri or f"http://{_HOST}:{settings.mlflow_port}"
    api = f"http://{_HOST}:{settings.api_port}"
    services = [
        Service(
            "API",
            "CREWTUNE_API_PORT",
            settings.api_port,
            f"{api}/health",
            [sys.executable, "-m", "backend.serve", "--port", str(settings.api_port)],
            server_environment(MLFLOW_TRACKING_URI=tracking),
        ),
        Service(
            "UI",
            "CREWTUNE_UI_PORT",
            settings.ui_port,
            f"http://{_HOST}:{settings.ui_port}/_stcore/health",
            [sys.executable, "-m", "frontend.serve", "--api", api, "--port", str(settings.ui_port)],
            server_environment(),
        ),
    ]
    return services if settings.mlflow_tracking_uri else [_mlflow(settings, tracking), *services]


def _mlflow(settings: Settings, url: str) -> Service:
    return Service(
        "MLflow",
        "CREWTUNE_MLFLOW_PORT",
        settings.mlflow_port,
        f"{url}/health",
        server_command(settings, settings.mlflow_port),
        server_environment(),
    )


def refuse_taken_ports(services: Sequence[Service]) -> None:
    """Refuse to start where somebody listens already.

    Raises:
        SettingsError: It says who, and which setting moves the service.
    """
    taken = [
        f"Port {service.port}, for the {service.name}, is taken by {who}. "
        f"End that, or set {service.setting} to another port."
        for service in services
        if (who := _listener(service.port)) is not None
    ]
    if taken:
        raise SettingsError(" ".join(taken))


def _listener(port: int) -> str | None:
    for connection in psutil.net_connections("tcp"):
        listens = connection.status == psutil.CONN_LISTEN
        if listens and connection.laddr and connection.laddr.port == port:
            try:
                process = psutil.Process(connection.pid) if connection.pid else None
                return f"{process.name()} (process {process.pid})" if process else "another user"
            except psutil.Error:
                return "another user"
    return None


def _run(
    services: Sequence[Service], code: str | None, stop: threading.Event, *, logs: Path
) -> int:
    logs.mkdir(parents=True, exist_ok=True)
    running: list[tuple[Service, subprocess.Popen[bytes]]] = []
    try:
        for service in services:
            _say(f"Starting {service.name} ...")
            running.append((service, _start(service, logs)))
        for service, child in running:
            if not _wait(service, child, stop):
                return 0 if stop.is_set() else _gave_up(service, logs)
        _greet(services, code)
        while not stop.wait(0.5):
            for service, child in running:
                if child.poll() is not None:
                    return _gave_up(service, logs)
        return 0
    finally:
        _end([child for _, child in running])


def _start(service: Service, logs: Path) -> "subprocess.Popen[bytes]":
    with (logs / f"{service.name.lower()}.log").open("ab") as log:
        return subprocess.Popen(
            service.command,
            env=service.environment,
            stdout=log,
            stderr=log,
            # Not in our group: Ctrl-C comes to us alone, and we end them in order.
            start_new_session=True,
        )


def _wait(service: Service, child: "subprocess.Popen[bytes]", stop: threading.Event) -> bool:
    until = time.monotonic() + _START_SECONDS
    while not stop.is_set() and child.poll() is None and time.monotonic() < until:
        try:
            with urlopen(service.answers_at, timeout=2):
                return True
        except (URLError, OSError):
            stop.wait(0.3)
    return False


def _gave_up(service: Service, logs: Path) -> int:
    path = logs / f"{service.name.lower()}.log"
    last = path.read_text(encoding="utf-8", errors="replace").splitlines()[-_LAST_LINES:]
    _say("\n".join(last))
    _say(f"Stopped: the {service.name} ended or did not answer. The lines above are its last.")
    return 1


def _greet(services: Sequence[Service], code: str | None) -> None:
    _say("")
    for service in services:
        _say(f"  {service.name:<8}{service.url}")
    ui = next(service.url for service in services if service.name == "UI")
    _say("")
    if code is None:
        _say(f"Sign in at {ui}.")
    else:
        _say(f"Make the first account at {ui} with this code, once: {code}")
    _say("Ctrl-C stops all of them. Jobs that run go on.")


def _end(children: Sequence["subprocess.Popen[bytes]"]) -> None:
    _say("Stopping ...")
    for child in children:
        child.terminate()
    until = time.monotonic() + _STOP_SECONDS
    for child in children:
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
