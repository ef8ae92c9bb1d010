"""Runs and curves of MLflow through HTTP: with a server, without one, and with a broken one."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import Engine

from backend.database import open_database
from backend.jobs.place import OWNER_TAG
from backend.migrate import migrate
from tests.backend.api import Api, Person
from tests.mlflow_server import MlflowServer
from tests.sdk.real_studio import free_port
from tools.tracking.store import TrackingStore

Start = Callable[[str], Api]
NOBODYS = "0" * 32


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(f"sqlite:///{tmp_path / 'api.db'}")
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def start(engine: Engine, tmp_path: Path) -> Start:
    """Makes an API that asks the MLflow at an address."""
    return lambda address: Api(engine, tmp_path, MLFLOW_TRACKING_URI=address)


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server
    server.kill()


def get(api: Api, person: Person, path: str) -> Any:
    return api.client.get(f"/api/experiments{path}", headers=person.headers)


def record(api: Api, owner: Person, name: str, *losses: float) -> str:
    """Record a run as a job does, and return its id."""
    uri = api.settings.mlflow_tracking_uri or ""
    opened = TrackingStore(tracking_uri=uri, experiment=api.settings.mlflow_experiment).open()
    tags = {OWNER_TAG: owner.id, "goal": "sort requests"}
    run = opened.client.create_run(opened.experiment_id, run_name=name, tags=tags)
    run_id = str(run.info.run_id)
    opened.client.log_param(run_id, "r", 16)
    for step, loss in enumerate(losses):
        opened.client.log_metric(run_id, "loss", loss, step=step)
    opened.client.set_terminated(run_id)
    return run_id


@pytest.mark.slow
def test_runs_are_listed_with_their_curves_to_their_owner_alone(
    start: Start, mlflow: MlflowServer
) -> None:
    api = start(mlflow.uri.replace("://", "://me:CANARY@"))
    anna, ben = api.add_person("anna", "admin"), api.add_person("ben", "member")
    assert get(api, ben, "").json() == []
    first, second = record(api, ben, "first", 2.0, 1.0), record(api, ben, "second", 3.0)
    hers = record(api, anna, "hers", 9.0)

    listed = get(api, ben, "")

    assert [run["run_id"] for run in listed.json()] == [second, first]
    run = listed.json()[1]
    assert (run["name"], run["status"], run["params"]) == ("first", "finished", {"r": "16"})
    assert (run["metrics"], run["tags"]["goal"]) == ({"loss": 1.0}, "sort requests")
    assert run["url"].startswith(mlflow.uri)
    assert "CANARY" not in listed.text
    assert [run["run_id"] for run in get(api, ben, "?limit=1").json()] == [second]

    curves = get(api, ben, f"/curves?run_id={first}&run_id={second}").json()

    assert curves[first] == [{"step": 0, "value": 2.0}, {"step": 1, "value": 1.0}]
    assert curves[second] == [{"step": 0, "value": 3.0}]
    assert get(api, ben, f"/curves?run_id={first}&metric=none").json() == {first: []}
    assert [run["run_id"] for run in get(api, anna, "").json()] == [hers]
    refused = [get(api, ben, f"/curves?run_id={first}&run_id={one}") for one in (hers, NOBODYS)]
    answers = [{**one.json(), "request_id": ""} for one in refused]
    assert answers[0] == answers[1]
    assert answers[0]["status"] == 404


@pytest.mark.parametrize("path", ["", f"/curves?run_id={NOBODYS}"])
@pytest.mark.parametrize(
    "address",
    ["sqlite:///mlflow.db", "http://me:CANARY@127.0.0.1:{port}", "http://me:CANARY@mlflow:x{port}"],
)
def test_without_mlflow_it_says_so_and_when_to_ask_again(
    start: Start, path: str, address: str
) -> None:
    api = start(address.format(port=free_port()))
    anna = api.add_person("anna", "admin")

    answer = get(api, anna, path)

    assert (answer.status_code, answer.json()["code"]) == (503, "tracking_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "CANARY" not in answer.text


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[1]",
        b"{}",
        b'{"experiment": {}}',
        b'{"experiment": {"experiment_id": "1"}, "runs": [{}]}',
        b'{"experiment": {"experiment_id": "1"}, "runs": [{"info": {"run_id": 1}}]}',
        b'{"experiment": {"experiment_id": "1"}, "runs": '
        b'[{"info": {"run_id": "a", "start_time": 1e30}}]}',
    ],
)
def test_what_answers_in_the_place_of_mlflow_and_makes_no_sense_counts_as_away(
    start: Start, body: bytes
) -> None:
    with answering(body) as address:
        api = start(address)
        anna = api.add_person("anna", "admin")

        answer = get(api, anna, "")

    assert (answer.status_code, answer.json()["code"]) == (503, "tracking_unavailable")


class answering:
    """A server that gives one answer to everything."""

    def __init__(self, body: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
