"""What the studio says of itself: to people, to probes and to Prometheus."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from backend.database import open_database
from backend.jobs.store import JobStore
from backend.migrate import migrate
from backend.routes.system import mlflow_state
from backend.settings import Settings
from tests.backend.api import Api, Person
from tests.backend.routes.test_jobs import add_colours, claim, train
from tests.sdk.real_studio import ByHand, free_port, until


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(f"sqlite:///{tmp_path / 'api.db'}")
    migrate(opened)
    yield opened
    opened.dispose()


def test_the_machine_is_shown_with_its_queues_and_without_secrets(
    engine: Engine, tmp_path: Path
) -> None:
    port = free_port()
    api = Api(
        engine,
        tmp_path,
        MLFLOW_TRACKING_URI=f"http://me:CANARY@127.0.0.1:{port}",
        LLM_BASE_URL="http://me:CANARY@127.0.0.1:9/v1",
        LLM_MODEL="org/judge",
        LLM_API_KEY="CANARY",
        HF_TOKEN="CANARY",
        CREWTUNE_CPU_SLOTS=3,
    )
    anna = api.add_person("anna", "admin")
    add_colours(api, anna)
    for _ in range(3):
        train(api, anna)
    claim(JobStore(engine))

    answer = api.client.get("/api/system", headers=anna.headers)
    shown = answer.json()

    assert answer.status_code == 200
    assert shown["queues"] == {
        "cpu": {"slots": 3, "running": 0, "waiting": 0},
        "gpu": {"slots": 1, "running": 1, "waiting": 2},
    }
    assert shown["mlflow"] == {"url": f"http://127.0.0.1:{port}", "reachable": False}
    assert shown["language_model"] == "org/judge"
    assert shown["hardware"] is None
    assert {"torch", "transformers", "mlflow"} <= set(shown["libraries"])
    assert 0 < shown["disk"]["free_gib"] <= shown["disk"]["total_gib"]
    for secret in ("CANARY", str(tmp_path), api.settings.studio_database_url):
        assert secret not in answer.text


def test_it_is_ready_when_jobs_can_be_begun_and_mlflow_is_no_condition(
    engine: Engine, tmp_path: Path
) -> None:
    mlflow = f"http://127.0.0.1:{free_port()}"
    api = Api(engine, tmp_path, runner=ByHand(), MLFLOW_TRACKING_URI=mlflow)

    api.app.state.dispatcher.looked_at -= 60  # seconds ago
    before = api.client.get("/ready")
    with api.new_client() as client:
        until(lambda: client.get("/ready").status_code == 200)
        parts = client.get("/ready").json()["parts"]

    assert (before.status_code, before.json()["code"]) == (503, "not_ready")
    assert "dispatcher" in before.json()["detail"]
    assert "retry-after" in before.headers
    assert (parts["database"], parts["disk"], parts["dispatcher"]) == ("ok", "ok", "ok")
    assert parts["mlflow"].startswith("away")


def test_without_its_database_it_answers_and_says_what_is_missing(tmp_path: Path) -> None:
    away = open_database(f"postgresql+psycopg://me:CANARY@127.0.0.1:{free_port()}/studio")
    client = Api(away, tmp_path).client

    ready, metrics = client.get("/ready"), client.get("/metrics")
    mine = client.get("/api/jobs", headers={"Authorization": "Bearer ct_guessed"})
    away.dispose()

    assert client.get("/health").status_code == 200
    assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
    assert "database: it cannot be read" in ready.json()["detail"]
    for answer in (metrics, mine):
        assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
        assert "retry-after" in answer.headers
    assert "CANARY" not in ready.text + metrics.text + mine.text


def test_prometheus_is_told_how_many_jobs_there_are_and_not_whose(api: Api, ben: Person) -> None:
    add_colours(api, ben)
    train(api, ben)

    answer = api.client.get("/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    assert 'crewtune_jobs{queue="gpu",status="queued"} 1.0' in answer.text
    assert "crewtune_event_streams 0.0" in answer.text
    assert "crewtune_disk_free_bytes" in answer.text
    for private in (ben.id, "ben", "colours"):
        assert private not in answer.text


@pytest.mark.parametrize(
    "address", ["http://mlflow:99999", "http://mlflow:port", "http://[mlflow", "http://.."]
)
def test_an_address_of_mlflow_that_is_none_counts_as_away(address: str) -> None:
    settings = Settings(_env_file=None, MLFLOW_TRACKING_URI=address)

    assert not mlflow_state(settings).reachable
