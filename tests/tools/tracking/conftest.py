"""Real stores: an SQLite database a session, and an `mlflow server` on loopback."""

import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.mlflow_server import MlflowServer, until_true
from tools.tracking.live_run import LiveRun
from tools.tracking.mlflow_run import DatasetInput, RunDescription
from tools.tracking.store import TrackingStore


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    return until_true


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def store(database: str, tmp_path: Path) -> TrackingStore:
    """An experiment of the test's own in a database that is made once."""
    return TrackingStore(
        tracking_uri=database, experiment=uuid4().hex, artifact_root=tmp_path / "ml runs"
    )


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server_store(shared_server: MlflowServer) -> TrackingStore:
    return TrackingStore(tracking_uri=shared_server.uri, experiment=uuid4().hex)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def dead_store() -> TrackingStore:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return TrackingStore(tracking_uri=f"http://anna:secret@127.0.0.1:{port}")


@pytest.fixture
def hanging_store() -> Iterator[TrackingStore]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as silent:
        yield TrackingStore(tracking_uri=f"http://127.0.0.1:{silent.getsockname()[1]}")


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    return tmp_path / "runs" / "20260101-120000-abcd"


@pytest.fixture
def about() -> RunDescription:
    return RunDescription(
        name="tiny",
        params={"learning_rate": 2e-4},
        tags={"goal": "sort requests"},
        dataset=DatasetInput(name="requests", sha256="ab" * 32, rows=64, source="requests.csv"),
    )


@pytest.fixture
def start(run_folder: Path, about: RunDescription) -> Callable[[TrackingStore], LiveRun]:
    return partial(LiveRun.start, run_folder=run_folder, about=about)


@pytest.fixture
def history() -> Callable[[TrackingStore, str | None, str], list[tuple[int, float]]]:
    """Every value MLflow has of a metric, repeats included, by step."""

    def read(store: TrackingStore, run_id: str | None, name: str) -> list[tuple[int, float]]:
        assert run_id
        found = store.client().get_metric_history(run_id, name)
        return sorted((metric.step, metric.value) for metric in found)

    return read
