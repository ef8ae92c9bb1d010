"""When a dispatcher takes a worker for dead. Time is the test's."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from backend.database import open_database
from backend.jobs.dispatcher import Dispatcher, Patience
from backend.jobs.orders import NewJob
from backend.jobs.store import JobStore
from backend.migrate import migrate

LEASE = 30.0
PATIENCE = Patience(between_looks=0.5, lease=LEASE)


class Machine:
    """A runner whose workers do nothing, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.began: list[UUID] = []
        self.killed: list[UUID] = []
        self.expected = 0

    def start(self, job_id: UUID, token: int, *, trains: bool = False) -> Mapping[str, Any]:
        self.began.append(job_id)
        return {"job": job_id.hex}

    def expect_training(self) -> None:
        self.expected += 1

    def knows(self, worker: Mapping[str, Any]) -> bool:
        return bool(worker)

    def alive(self, worker: Mapping[str, Any]) -> bool:
        return True

    def kill(self, worker: Mapping[str, Any]) -> None:
        self.killed.append(UUID(worker["job"]))

    def tell_time(self) -> float:
        return self.now


class Scene:
    """A dispatcher that has begun one job."""

    def __init__(self, path: Path) -> None:
        self.path, self.machine = path, Machine()
        self.engine = open_database(f"sqlite:///{path}")
        event.listen(self.engine, "connect", wait_for_nobody)
        migrate(self.engine)
        self.store = JobStore(self.engine)
        clock = self.machine.tell_time
        slots = {"cpu": 1}
        self.dispatcher = Dispatcher(
            self.store, self.machine, slots, patience=PATIENCE, clock=clock
        )
        self.job = self.store.submit(NewJob(uuid4(), "train", {}, "a" * 64))[0]
        self.dispatcher.look()
        assert self.machine.began == [self.job.id]

    def look_for(self, seconds: float) -> None:
        """Let time go by as it does."""
        for _ in range(int(seconds / PATIENCE.between_looks)):
            self.machine.now += PATIENCE.between_looks
            self.dispatcher.look()


def wait_for_nobody(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA busy_timeout=0")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path / "studio.db")
    yield made
    made.engine.dispose()


def test_a_worker_that_is_silent_for_the_lease_is_ended(scene: Scene) -> None:
    scene.look_for(LEASE)
    assert scene.machine.killed == []

    scene.look_for(1)

    assert scene.machine.killed == [scene.job.id]


def test_every_sign_of_life_begins_the_lease_anew(scene: Scene) -> None:
    for _ in range(4):
        scene.look_for(LEASE - 1)
        scene.store.report(scene.job.id, 1)

    assert scene.machine.killed == []


def test_while_nobody_can_write_no_worker_is_taken_for_dead(scene: Scene) -> None:
    with closing(sqlite3.connect(scene.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(10):
            scene.machine.now += 10
            with pytest.raises(OperationalError):
                scene.dispatcher.look()
        other.execute("ROLLBACK")

    scene.look_for(LEASE)
    assert scene.machine.killed == []
    scene.look_for(1)
    assert scene.machine.killed == [scene.job.id]


def test_a_machine_that_stood_still_ends_no_worker(scene: Scene) -> None:
    scene.look_for(1)
    scene.machine.now += 3600

    scene.look_for(LEASE - 3)

    assert scene.machine.killed == []
