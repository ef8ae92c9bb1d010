"""Somebody else holds the database's write lock: a backup, a person with a shell."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx2
import pytest

from tests.backend.faults.served import Served
from tests.sdk.follower import every_number

pytestmark = pytest.mark.prove


@contextmanager
def locked(served: Served) -> Iterator[None]:
    """Hold the write lock in the block."""
    path = served.settings.data_dir / "studio.db"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield
        database.execute("ROLLBACK")


class Asked:
    """A write request that is sent beside the test."""

    def __init__(self, served: Served, headers: dict[str, str]) -> None:
        self.answer: httpx2.Response | None = None
        self._url, self._headers = f"{served.url}/api/datasets", headers
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _ask(self) -> None:
        body = {"name": "more", "hub_id": "nobody/nothing"}
        with httpx2.Client(trust_env=False, timeout=60) as client:
            self.answer = client.post(self._url, json=body, headers=self._headers)

    def join(self) -> httpx2.Response:
        self._thread.join(timeout=60)
        assert self.answer is not None
        return self.answer


def test_f8_for_three_seconds_requests_wait_and_pass(served: Served) -> None:
    headers = served.signed()
    with locked(served):
        asked = [Asked(served, headers) for _ in range(4)]
        time.sleep(3)
        assert [one.answer for one in asked] == [None] * 4
        assert served.anna.datasets()

    assert [one.join().status_code for one in asked] == [201] * 4


def test_f8_for_longer_writers_are_told_and_the_training_goes_on(served: Served) -> None:
    headers = served.signed()
    job = served.train()
    served.at_step(job, 10)
    worker = served.worker(job)

    with locked(served):
        refused = Asked(served, headers).join()
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert int(refused.headers["Retry-After"]) > 0
        assert served.anna.job(job).status == "running"
        assert served.anna.datasets()

    assert worker.is_running()
    ended = served.anna.wait(job, timeout_seconds=120)
    assert (ended.status, ended.attempt) == ("succeeded", 1)
    assert every_number(served.anna.events(job))
    assert ended.result is not None
    told = {event.data["step"] for event in served.metrics(job) if event.data["name"] == "loss"}
    steps = ended.result["training"]["steps"]
    every = max(1, steps // 100)
    assert told == set(range(every, steps + 1, every))
