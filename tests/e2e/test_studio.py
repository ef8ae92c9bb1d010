"""The studio as a user meets it: `make up`, then REST alone, the command line alone."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from tests.e2e.up import PASSWORD, ROOT, Up, studio_up

pytestmark = pytest.mark.prove
SAMPLE = ROOT / "data" / "samples" / "refrigeration_requests.jsonl"
SHORT = {"num_train_epochs": 2}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with studio_up(tmp_path_factory.mktemp("up")) as started:
        yield started


@pytest.fixture(scope="module")
def rest(up: Up) -> Iterator[httpx2.Client]:
    """Anna, the first admin, speaking HTTP."""
    with httpx2.Client(base_url=up.url("api"), timeout=30) as client:
        setup = {"setup_code": up.setup_code, "username": "anna", "password": PASSWORD}
        assert client.post("/api/auth/setup", json=setup).status_code == 201
        sign_in(client)
        yield client


def sign_in(client: httpx2.Client) -> None:
    given = {"username": "anna", "password": PASSWORD}
    tokens = client.post("/api/auth/token", data=given).json()
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"


def wait(client: httpx2.Client, job: dict[str, Any], seconds: float = 240) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        shown: dict[str, Any] = client.get(f"/api/jobs/{job['id']}").json()
        if shown["status"] in ("succeeded", "failed", "cancelled"):
            return shown
        time.sleep(0.3)
    raise AssertionError(f"The job did not end: {shown}")


@pytest.fixture(scope="module")
def dataset(rest: httpx2.Client) -> str:
    with SAMPLE.open("rb") as file:
        upload = rest.post("/api/uploads", files={"file": file}).json()["upload"]
    job = rest.post("/api/datasets", json={"name": "requests", "upload": upload}).json()
    assert wait(rest, job)["status"] == "succeeded"
    return "requests"


def test_all_three_answer(up: Up) -> None:
    for service, path in (("api", "/ready"), ("ui", "/"), ("mlflow", "/health")):
        assert httpx2.get(up.url(service) + path).status_code == 200


def test_rest_alone_reaches_a_trained_and_proven_model(rest: httpx2.Client, dataset: str) -> None:
    asked = {"model": "tiny-instruct", "dataset": dataset, "recipe": SHORT}
    training = wait(rest, rest.post("/api/trainings", json=asked).json())
    assert (training["status"], training["error"]) == ("succeeded", None)

    asked = {"training": training["id"]}
    evaluation = wait(rest, rest.post("/api/evaluations", json=asked).json())

    assert (evaluation["status"], evaluation["error"]) == ("succeeded", None)
    assert evaluation["result"]["registered"]["version"] == 1
    assert evaluation["result"]["gate"]["primary_metric"] == "exact_match"


def test_a_training_outlives_the_api(up: Up, rest: httpx2.Client, dataset: str) -> None:
    asked = {"model": "tiny-instruct", "dataset": dataset, "recipe": {"num_train_epochs": 6}}
    job = rest.post("/api/trainings", json=asked).json()
    until_loss(rest, job)
    assert up.process is not None
    [api] = [
        one
        for one in psutil.Process(up.process.pid).children()
        if "backend.serve" in " ".join(one.cmdline())
    ]
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=30) == 0
    assert not api.is_running()
    up.start()
    sign_in(rest)

    ended = wait(rest, job)

    assert (ended["status"], ended["attempt"]) == ("succeeded", 1)


def until_loss(client: httpx2.Client, job: dict[str, Any]) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        events = client.get(f"/api/jobs/{job['id']}/events").json()
        if any(event["type"] == "metric" for event in events):
            return
        time.sleep(0.3)
    raise AssertionError("No loss was told.")


def test_a_taken_port_is_named_with_its_holder_and_the_setting(up: Up) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "backend.up"],
        cwd=ROOT,
        env=up.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert second.returncode == 1
    assert f"Port {up.ports['api']}, for the API, is taken by python" in second.stdout
    assert "set CREWTUNE_API_PORT to another port" in second.stdout


def test_no_log_holds_a_secret(up: Up, rest: httpx2.Client) -> None:
    token = rest.headers["Authorization"].removeprefix("Bearer ")
    written = "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in Path(up.folder, "data", "logs").glob("*.log")
    )

    assert PASSWORD not in written
    assert token not in written
