"""The same with a real MLflow server, and with what can happen to one."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tools.files import sha256_of
from tools.tracking.fetch_adapter import fetch_adapter
from tools.tracking.live_run import LiveRun
from tools.tracking.metrics_file import read_link
from tools.tracking.mlflow_run import RunDescription
from tools.tracking.record_run import RecordReport, record_run
from tools.tracking.registry import register_version
from tools.tracking.store import TrackingStore

pytestmark = pytest.mark.slow
ALL_RUNS = 3  # mlflow.entities.ViewType.ALL, deleted ones included
History = Callable[[TrackingStore, str | None, str], list[tuple[int, float]]]


def record(store: TrackingStore, run_folder: Path, about: RunDescription) -> RecordReport:
    return record_run(
        store,
        run_folder,
        about=about,
        metrics={"exact_match": 0.75},
        artifacts={"adapter": run_folder / "adapter"},
    )


def write_adapter(run_folder: Path) -> None:
    (run_folder / "adapter").mkdir(parents=True)
    (run_folder / "adapter" / "adapter_model.safetensors").write_bytes(b"weights" * 100_000)


def test_metrics_arrive_while_the_run_goes_on(
    server_store: TrackingStore,
    start: Callable[[TrackingStore], LiveRun],
    run_folder: Path,
    history: History,
    wait_until: Callable[[Callable[[], bool]], None],
) -> None:
    live = start(server_store)
    live.metric("loss", 2.0, 1)
    wait_until(lambda: read_link(run_folder).lines_logged == 1)

    run_id = read_link(run_folder).mlflow_run_id
    assert history(server_store, run_id, "loss") == [(1, 2.0)]
    assert server_store.client().get_run(run_id or "").info.status == "RUNNING"
    live.metric("loss", 1.0, 2)
    report = live.close(within_seconds=60)

    assert (report.mlflow_run_id, report.metrics_waiting) == (run_id, 0)
    assert history(server_store, run_id, "loss") == [(1, 2.0), (2, 1.0)]


def test_a_recorded_adapter_is_registered_and_fetched(
    server_store: TrackingStore, run_folder: Path, about: RunDescription, tmp_path: Path
) -> None:
    write_adapter(run_folder)
    sha256 = sha256_of(run_folder / "adapter" / "adapter_model.safetensors")

    first, second = (record(server_store, run_folder, about) for _ in range(2))
    version = register_version(
        server_store,
        model="tiny-requests",
        mlflow_run_id=first.mlflow_run_id,
        tags={"adapter_sha256": sha256},
    )
    folder = fetch_adapter(
        server_store, "tiny-requests", version=version.version, target=tmp_path / "fetched"
    )

    assert first == second
    assert version.aliases == ("challenger",)
    assert sha256_of(folder / "adapter_model.safetensors") == sha256


def test_a_server_killed_on_the_way_gets_everything_once_when_it_is_back(
    own_server: Any,
    start: Callable[[TrackingStore], LiveRun],
    run_folder: Path,
    about: RunDescription,
    history: History,
    wait_until: Callable[[Callable[[], bool]], None],
) -> None:
    write_adapter(run_folder)
    own_server.start()
    store = TrackingStore(tracking_uri=own_server.uri)
    live = start(store)
    live.metric("loss", 0.0, 0)
    wait_until(lambda: read_link(run_folder).lines_logged == 1)

    own_server.kill()
    for step in range(1, 200):
        live.metric("loss", float(step), step)
    own_server.start()
    wait_until(lambda: read_link(run_folder).lines_logged == 200)
    live.metric("loss", 200.0, 200)
    own_server.kill()
    report = live.close("FAILED", within_seconds=20)

    assert (report.metrics_logged, report.metrics_waiting) == (200, 1)
    assert report.problem
    own_server.start()
    recorded = record(store, run_folder, about)
    assert recorded.mlflow_run_id == report.mlflow_run_id
    assert history(store, recorded.mlflow_run_id, "loss") == [(n, float(n)) for n in range(201)]


class _Forgetful(BaseHTTPRequestHandler):
    """Passes requests on, and loses the first answer to each path and content in `lose`."""

    upstream = ""
    lose: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        self._pass_on(None)

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def _pass_on(self, body: bytes | None) -> None:
        request = urllib.request.Request(self.upstream + self.path, body, method=self.command)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request) as answer:
                status, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        for path, part in [*self.lose.items()]:
            if self.path.endswith(path) and part in (body or b""):
                del self.lose[path]
                self.close_connection = True
                return
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def forgetful_store(server_store: TrackingStore) -> Iterator[TrackingStore]:
    _Forgetful.upstream = server_store.tracking_uri
    _Forgetful.lose = {
        "/experiments/create": b"",
        "/runs/create": b"",
        "/runs/log-batch": b'"loss"',
    }
    with ThreadingHTTPServer(("127.0.0.1", 0), _Forgetful) as proxy:
        threading.Thread(target=proxy.serve_forever).start()
        uri = f"http://127.0.0.1:{proxy.server_port}"
        yield TrackingStore(tracking_uri=uri, experiment=server_store.experiment)
        proxy.shutdown()


def test_a_lost_answer_makes_no_second_run_and_no_second_value(
    forgetful_store: TrackingStore,
    server_store: TrackingStore,
    start: Callable[[TrackingStore], LiveRun],
    run_folder: Path,
    history: History,
    wait_until: Callable[[Callable[[], bool]], None],
) -> None:
    live = start(forgetful_store)
    for step in range(3):
        live.metric("loss", float(step), step)
    wait_until(lambda: read_link(run_folder).lines_logged == 3)
    report = live.close(within_seconds=60)

    assert not _Forgetful.lose
    assert history(server_store, report.mlflow_run_id, "loss") == [(0, 0.0), (1, 1.0), (2, 2.0)]
    opened = server_store.open()
    assert len(opened.client.search_runs([opened.experiment_id], run_view_type=ALL_RUNS)) == 1
