"""Jobs through HTTP. No dispatcher runs here: the tests take the jobs themselves."""

import json
import threading
import time
from collections import deque
from typing import Any
from uuid import UUID

import pytest
from starlette.websockets import WebSocketDisconnect

from backend.datasets import keep_dataset
from backend.jobs import feed
from backend.jobs.orders import Ending, Happening
from backend.jobs.store import JobStore
from backend.routes import streams
from backend.tables.job import Job, JobStatus
from tests.backend.api import Api, Person
from tests.colours import colour_chats
from tools.data.audit_dataset import audit
from tools.data.conversation import write_version
from tools.data.data_policy import DataPolicy
from tools.data.import_dataset import import_dataset

RANDOM = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def store(api: Api) -> JobStore:
    return JobStore(api.engine)


def add_colours(api: Api, owner: Person, name: str = "colours") -> None:
    from backend.jobs.place import workspace_of

    folder = workspace_of(api.settings, UUID(owner.id)).datasets
    path = write_version(folder, "colours", colour_chats(40))
    imported, found = import_dataset(path, folder), audit(path)
    keep_dataset(
        api.engine, UUID(owner.id), name, imported=imported, audit=found, policy=DataPolicy()
    )


def train(api: Api, person: Person, **more: Any) -> Any:
    body = {"model": "tiny", "dataset": "colours", **more.pop("body", {})}
    headers = {**person.headers, **more.pop("headers", {})}
    return api.client.post("/api/trainings", json=body, headers=headers)


def claim(store: JobStore) -> Job:
    job = store.claim("gpu", 9, {})
    assert job is not None
    return job


@pytest.fixture
def trained(api: Api, ben: Person) -> str:
    """The id of a job of Ben's that waits."""
    add_colours(api, ben)
    return str(train(api, ben).json()["id"])


def test_a_training_waits_in_its_queue(api: Api, ben: Person) -> None:
    add_colours(api, ben)
    first, second = train(api, ben).json(), train(api, ben, body={"recipe": {"lr": 1e-3}}).json()

    assert (first["status"], first["kind"], first["position"]) == ("queued", "train", 0)
    assert second["position"] == 1
    assert second["request"]["recipe"] == {"learning_rate": 0.001}
    listed = api.client.get("/api/jobs?limit=1", headers=ben.headers).json()
    assert [job["id"] for job in listed["jobs"]] == [second["id"]]
    rest = api.client.get(f"/api/jobs?before={listed['before']}", headers=ben.headers).json()
    assert [job["id"] for job in rest["jobs"]] == [first["id"]]


def test_the_same_key_starts_one_job_and_another_body_is_a_conflict(api: Api, ben: Person) -> None:
    add_colours(api, ben)
    key = {"Idempotency-Key": "one-click"}

    first, again = train(api, ben, headers=key), train(api, ben, headers=key)
    other = train(api, ben, headers=key, body={"seed": 7})

    assert first.json()["id"] == again.json()["id"]
    assert (other.status_code, other.json()["code"]) == (409, "key_conflict")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"model": "../../etc"}, "/model"),
        ({"model": "http://127.0.0.1/x"}, "/model"),
        ({"model": "org/name\n"}, "/model"),
        ({"model": ""}, "/model"),
        ({"recipe": {"lr": 5, "r": 0}}, "/recipe/r"),
        ({"recipe": {"num_train_epochs": 10**9}}, "/recipe/num_train_epochs"),
        ({"recipe": {"output_dir": "x; touch /tmp/p"}}, "/recipe/output_dir"),
        ({"seed": -1}, "/seed"),
        ({"seed": "1"}, "/seed"),
        ({"extra_args": "--x"}, "/extra_args"),
    ],
)
def test_what_cannot_be_trained_is_refused_at_once(
    api: Api, ben: Person, body: dict[str, Any], pointer: str
) -> None:
    add_colours(api, ben)

    answer = train(api, ben, body=body)

    assert answer.status_code == 422
    assert any(one["pointer"].startswith(pointer) for one in answer.json()["errors"]), answer.text
    assert api.client.get("/api/jobs", headers=ben.headers).json()["jobs"] == []


def test_a_dataset_of_another_is_not_there(api: Api, anna: Person, ben: Person) -> None:
    add_colours(api, ben)

    answer = train(api, anna)

    assert answer.status_code == 404
    assert answer.json()["errors"][0]["pointer"] == "/dataset"
    assert api.client.get("/api/datasets/colours", headers=anna.headers).status_code == 404


@pytest.mark.parametrize("path", ["", "/events", "/log", "/stream", "/cancel", "/resume"])
def test_another_users_job_is_like_one_that_never_was(
    api: Api, anna: Person, trained: str, path: str
) -> None:
    method = "POST" if path in ("/cancel", "/resume") else "GET"
    answers = []
    for job_id in (trained, RANDOM):
        answer = api.client.request(method, f"/api/jobs/{job_id}{path}", headers=anna.headers)
        assert answer.status_code == 404
        answers.append({k: v for k, v in answer.json().items() if k not in _ONE_REQUESTS_OWN})
    assert answers[0] == answers[1]


_ONE_REQUESTS_OWN = ("instance", "request_id")


def test_a_waiting_job_is_cancelled_and_can_be_resumed(api: Api, ben: Person, trained: str) -> None:
    cancelled = api.client.post(f"/api/jobs/{trained}/cancel", headers=ben.headers).json()
    resumed = api.client.post(f"/api/jobs/{trained}/resume", headers=ben.headers)
    again = api.client.post(f"/api/jobs/{resumed.json()['id']}/resume", headers=ben.headers)

    assert cancelled["status"] == "cancelled"
    assert resumed.status_code == 201
    assert resumed.json()["request"]["run"] == UUID(trained).hex
    assert (again.status_code, again.json()["code"]) == (409, "not_resumable")


def test_why_a_job_failed_is_one_sentence_with_a_code(
    api: Api, ben: Person, trained: str, store: JobStore
) -> None:
    job = claim(store)
    store.report(job.id, job.token, [Happening("log", {"message": "Almost there."})])
    error = {"code": "disk_full", "reason": "The disk is full. Free some space."}
    store.finish(job.id, job.token, Ending(JobStatus.FAILED, error=error))

    shown = api.client.get(f"/api/jobs/{trained}", headers=ben.headers).json()

    assert (shown["status"], shown["error"]) == ("failed", error)
    log = api.client.get(f"/api/jobs/{trained}/log", headers=ben.headers).json()
    assert log == ["Almost there."]


def test_a_stream_tells_what_was_missed_and_goes_on_to_the_end(
    api: Api, ben: Person, trained: str, store: JobStore
) -> None:
    job = claim(store)
    store.report(job.id, job.token, [Happening("metric", {"step": n}) for n in range(10)])

    def go_on() -> None:
        time.sleep(0.5)
        store.report(job.id, job.token, [Happening("metric", {"step": 10})])
        store.finish(job.id, job.token, Ending(JobStatus.SUCCEEDED, result={}))

    worker = threading.Thread(target=go_on)
    worker.start()
    headers = {**ben.headers, "Last-Event-ID": "7"}
    answer = api.client.get(f"/api/jobs/{trained}/stream", headers=headers)
    worker.join()

    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.text.split("\n")
    assert [int(line[4:]) for line in lines if line.startswith("id: ")] == [*range(8, 15)]
    said = [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
    assert [one["type"] for one in said] == ["metric"] * 6 + ["succeeded"]
    assert said[-1]["final"]


def test_a_stream_of_which_all_was_heard_ends(
    api: Api, ben: Person, trained: str, store: JobStore
) -> None:
    job = claim(store)
    store.finish(job.id, job.token, Ending(JobStatus.SUCCEEDED, result={}))
    headers = {**ben.headers, "Last-Event-ID": "3"}

    answer = api.client.get(f"/api/jobs/{trained}/stream", headers=headers)

    assert answer.text == ": welcome\n\n"


def test_a_sign_out_ends_streams_that_have_much_to_tell(
    api: Api, ben: Person, trained: str, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_HEARTBEAT_SECONDS", 0.5)
    job = claim(store)

    def go_on() -> None:
        api.new_client().post("/api/auth/sign-out", headers=ben.headers)
        for step in range(100):
            time.sleep(0.1)
            store.report(job.id, job.token, [Happening("metric", {"step": step})])
        store.finish(job.id, job.token, Ending(JobStatus.SUCCEEDED, result={}))

    worker = threading.Thread(target=go_on, daemon=True)
    with api.client.websocket_connect(f"ws://localhost/api/jobs/{trained}/ws") as socket:
        socket.send_json({"token": ben.access_token})
        socket.receive_json()
        worker.start()
        with pytest.raises(WebSocketDisconnect) as closed:
            deque(iter(socket.receive_json, None))

    assert closed.value.code == 4401


def test_a_websocket_tells_the_same(api: Api, ben: Person, trained: str, store: JobStore) -> None:
    job = claim(store)
    store.finish(job.id, job.token, Ending(JobStatus.SUCCEEDED, result={}))
    token = ben.access_token

    with api.client.websocket_connect(f"ws://localhost/api/jobs/{trained}/ws?after=1") as socket:
        socket.send_json({"token": token})
        heard = [socket.receive_json(), socket.receive_json()]

    assert [one["type"] for one in heard] == ["started", "succeeded"]


@pytest.mark.parametrize(("signed", "code"), [(False, 4401), (True, 4404)])
def test_a_websocket_is_closed_to_strangers(
    api: Api, anna: Person, trained: str, signed: bool, code: int
) -> None:
    token = anna.access_token if signed else "ct_guessed"
    with api.client.websocket_connect(f"ws://localhost/api/jobs/{trained}/ws") as socket:
        socket.send_json({"token": token})
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()

    assert closed.value.code == code


def test_one_more_stream_than_there_may_be_is_put_off(
    api: Api, ben: Person, trained: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "_MOST_LISTENERS", 0)

    answer = api.client.get(f"/api/jobs/{trained}/stream", headers=ben.headers)
    with api.client.websocket_connect(f"ws://localhost/api/jobs/{trained}/ws") as socket:
        socket.send_json({"token": ben.access_token})
        with pytest.raises(WebSocketDisconnect) as closed:
            socket.receive_json()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert closed.value.code == 1013


@pytest.mark.parametrize("job_id", ["1", "9223372036854775808", "-1", "1e3", "%00", "\uff11\uff12"])
def test_what_is_no_id_is_no_fault_of_the_server(api: Api, ben: Person, job_id: str) -> None:
    assert api.client.get(f"/api/jobs/{job_id}", headers=ben.headers).status_code in (404, 422)


@pytest.mark.parametrize("last", ["99999999999999999999", "-1", "x"])
def test_a_last_event_id_that_cannot_be_is_refused(
    api: Api, ben: Person, trained: str, last: str
) -> None:
    headers = {**ben.headers, "Last-Event-ID": last}

    assert api.client.get(f"/api/jobs/{trained}/stream", headers=headers).status_code == 422
