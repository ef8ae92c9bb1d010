"""A newcomer's way to a trained model, over REST alone and by the command line alone."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.up import PASSWORD, REQUESTS, UpStudio

pytestmark = pytest.mark.prove
FINAL = ("succeeded", "failed", "cancelled")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, tiny_instruct: Path) -> Iterator[UpStudio]:
    studio = UpStudio(tmp_path_factory.mktemp("studio"), tiny_instruct)
    studio.start()
    yield studio
    studio.close()


@pytest.fixture(scope="module")
def client(studio: UpStudio) -> Iterator[httpx2.Client]:
    """REST, signed in as the first admin."""
    with httpx2.Client(base_url=f"{studio.api}/api", timeout=60) as client:
        account = {"username": "anna", "password": PASSWORD}
        asked = {**account, "setup_code": studio.setup_code}
        assert client.post("/auth/setup", json=asked).status_code == 201
        renew(client)
        yield client


@pytest.fixture(scope="module")
def requests(client: httpx2.Client) -> str:
    """The bundled dataset, sent and imported."""
    with REQUESTS.open("rb") as file:
        sent = client.post("/uploads", files={"file": (REQUESTS.name, file)})
    assert sent.status_code == 201, sent.text
    asked = {"name": "requests", "upload": sent.json()["upload"]}
    ended(client, client.post("/datasets", json=asked))
    return "requests"


def renew(client: httpx2.Client) -> None:
    """Sign in: an access token lasts a quarter of an hour."""
    form = {"username": "anna", "password": PASSWORD}
    tokens = client.post("/auth/token", data=form)
    assert tokens.status_code == 200, tokens.text
    client.headers["Authorization"] = f"Bearer {tokens.json()['access_token']}"


def ended(client: httpx2.Client, started: httpx2.Response) -> dict[str, Any]:
    """Follow the job that was started by its event stream, and return it as it ended."""
    assert started.status_code == 201, started.text
    job = started.json()
    with client.stream("GET", f"/jobs/{job['id']}/stream", timeout=600) as events:
        types = [line.removeprefix("event: ") for line in events.iter_lines() if "event: " in line]
    assert types[-1] in FINAL, types[-3:]
    job = client.get(f"/jobs/{job['id']}").json()
    assert (job["status"], job["error"]) == ("succeeded", None)
    return dict(job)


def train(client: httpx2.Client, dataset: str, epochs: int) -> httpx2.Response:
    recipe = {"num_train_epochs": epochs}
    asked = {"model": "tiny-instruct", "dataset": dataset, "recipe": recipe}
    return client.post("/trainings", json=asked)


def test_all_three_servers_answer(studio: UpStudio, client: httpx2.Client) -> None:
    assert httpx2.get(f"{studio.api}/health").json() == {"status": "ok"}
    ready = httpx2.get(f"{studio.api}/ready")
    assert (ready.status_code, ready.json()["parts"]["mlflow"]) == (200, "ok")
    assert "<title>" in httpx2.get(studio.ui).text
    assert "MLflow" in httpx2.get(studio.mlflow).text


def test_rest_alone_leads_to_a_trained_and_proven_model(
    client: httpx2.Client, requests: str
) -> None:
    assert client.get(f"/datasets/{requests}").json()["rows"] == 1050

    trained = ended(client, train(client, requests, epochs=1))

    assert trained["result"]["training"]["train_rows"] > 800
    models = {model["name"]: model for model in client.get("/models").json()}
    assert {"tiny-instruct", "tiny-instruct on requests"} <= set(models)
    assert 800_000 < models["tiny-instruct"]["parameters"] < 1_500_000
    proven = ended(client, client.post("/evaluations", json={"training": trained["id"]}))
    assert proven["result"]["registered"]["version"] == 1
    renew(client)
    runs = client.get("/experiments").json()
    assert [run["name"] for run in runs] == [proven["result"]["run"]]


def test_the_command_line_alone_leads_to_a_trained_model(
    studio: UpStudio, client: httpx2.Client, tmp_path: Path
) -> None:
    renew(client)
    code = client.post("/invitations", json={"role": "member"}).json()["code"]
    line = Line(studio, tmp_path)

    line.done("register", "-u", "ben", "--invitation", code, "--password-stdin", typed=PASSWORD)
    line.done("data", "add", "refrigeration-requests")
    short = ("--set", "num_train_epochs=1")
    told = line.done("train", "tiny-instruct", "refrigeration-requests", *short, "--follow")

    assert "succeeded" in told
    jobs = json.loads(line.done("jobs", "list", "--json"))
    kinds = [(job["kind"], job["status"]) for job in jobs["jobs"]]
    assert kinds == [("train", "succeeded"), ("import", "succeeded")]


class Line:
    """The installed command `crewtune`, in the hands of one person."""

    def __init__(self, studio: UpStudio, home: Path) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "CREWTUNE_URL": studio.api,
        }

    def done(self, *words: str, typed: str | None = None) -> str:
        ended = subprocess.run(
            [str(Path(sys.executable).with_name("crewtune")), *words],
            env=self._environment,
            input=typed and f"{typed}\n",
            text=True,
            capture_output=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout


def test_a_training_goes_on_while_the_studio_is_stopped_and_is_found_again(
    studio: UpStudio, client: httpx2.Client, requests: str
) -> None:
    renew(client)
    job = train(client, requests, epochs=4).json()
    wait(lambda: client.get(f"/jobs/{job['id']}").json()["percent"] > 5)
    workers = studio.workers()

    assert studio.stop() == 0
    assert len(workers) == 1
    assert workers[0].is_running()
    studio.start()

    wait(lambda: client.get(f"/jobs/{job['id']}").json()["status"] in FINAL)
    found = client.get(f"/jobs/{job['id']}").json()
    assert (found["status"], found["attempt"]) == ("succeeded", 1)
    wait(lambda: not studio.workers())


def wait(true: Any, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "It did not happen in time."
        time.sleep(0.3)
