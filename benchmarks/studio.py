"""A studio to measure: the real server in a process of its own, over a temporary folder."""

import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx2
import psutil

from backend.database import open_database
from backend.jobs.store import JobStore
from backend.prepare import prepare
from backend.settings import Settings, server_environment
from crewtune import ApiError, Studio

NAME, PASSWORD = "bench", "a quiet river runs north"
_ROOT = Path(__file__).parents[1]
_START_SECONDS = 120


@dataclass(frozen=True)
class Running:
    """A studio that runs, and an admin who is signed in to it."""

    url: str
    settings: Settings
    process: psutil.Process
    client: Studio
    owner: UUID
    token: str
    store: JobStore

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    @property
    def headers(self) -> dict[str, str]:
        """What signs a request."""
        return {"Authorization": f"Bearer {self.token}"}


@contextmanager
def running_studio(server: Sequence[str] = ("-m", "backend.serve")) -> Iterator[Running]:
    """Start a studio with `python <server> --port ...`, and end it and its folder afterwards."""
    with tempfile.TemporaryDirectory(prefix="crewtune-benchmark-") as name:
        folder = Path(name)
        settings = _settings(folder)
        code = prepare(settings)
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        with (
            _served([*server, "--port", str(port)], folder, settings) as process,
            Studio(url) as client,
        ):
            _until(client.healthy, process)
            client.set_up(code or "", NAME, PASSWORD)
            owner = client.sign_in(NAME, PASSWORD).id
            # The probe of the hardware loads torch, which is no part of what is measured.
            _until(lambda: client.system().hardware is not None, process)
            engine = open_database(settings.studio_database_url)
            token = _sign_in(url)
            yield Running(url, settings, process, client, owner, token, JobStore(engine))
            engine.dispose()


def wait_for(true: Callable[[], object], what: str, seconds: float = _START_SECONDS) -> None:
    """Wait until something is true.

    Raises:
        RuntimeError: It took too long.
    """
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} within {seconds:g} s.")
        time.sleep(0.2)


def _settings(folder: Path) -> Settings:
    data = folder / "data"
    return Settings(
        _env_file=None,
        CREWTUNE_DATA_DIR=data,
        CREWTUNE_MLRUNS_DIR=folder / "mlruns",
        DATABASE_URL=f"sqlite:///{data / 'studio.db'}",
        MLFLOW_TRACKING_URI=f"sqlite:///{data / 'mlflow.db'}",
    )


@contextmanager
def _served(command: Sequence[str], folder: Path, settings: Settings) -> Iterator[psutil.Process]:
    environment = server_environment(
        CREWTUNE_DATA_DIR=str(settings.data_dir),
        CREWTUNE_MLRUNS_DIR=str(settings.mlruns_dir),
        DATABASE_URL=settings.studio_database_url,
        MLFLOW_TRACKING_URI=settings.mlflow_tracking_uri or "",
        CREWTUNE_ALLOWED_HOSTS="127.0.0.1",
    )
    with (folder / "server.log").open("wb") as log:
        process = psutil.Popen(
            [sys.executable, *command], cwd=_ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        yield process
    except BaseException:
        sys.stderr.write((folder / "server.log").read_text(encoding="utf-8")[-4000:])
        raise
    finally:
        _end(process)


def _end(server: psutil.Process) -> None:
    """End the server, and the jobs, which would outlive it."""
    workers = server.children(recursive=True)
    server.terminate()
    _, left = psutil.wait_procs([server], timeout=20)
    for process in (*left, *workers):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs([server, *workers], timeout=20)


def _until(true: Callable[[], object], process: psutil.Process) -> None:
    def now() -> bool:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            raise RuntimeError("The server ended. Its last words are above.")
        try:
            return bool(true())
        except ApiError:
            return False

    wait_for(now, "The server did not answer")


def _sign_in(url: str) -> str:
    form = {"username": NAME, "password": PASSWORD}
    answer = httpx2.post(f"{url}/api/auth/token", data=form, trust_env=False)
    return str(answer.raise_for_status().json()["access_token"])


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])
