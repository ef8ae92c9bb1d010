"""Whatever two dispatchers, their workers and their users do in any order, the promises hold."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, delete, select
from sqlmodel import col

from backend.database import reading, writing
from backend.jobs.orders import Ending, Happening, JobLost, NewJob
from backend.jobs.store import JobStore
from backend.tables.job import FINAL, Job, JobEvent, JobStatus

OWNER = uuid4()
SLOTS = 2
TURN = st.integers(0, 9)


class Jobs(RuleBasedStateMachine):
    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        with writing(self.engine) as connection:
            connection.execute(delete(Job))
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.stores = [JobStore(self.engine, self.tell_time) for _ in range(2)]
        self.keys: set[str] = set()
        self.held: list[Job] = []
        self.ended: dict[Any, str] = {}
        self.reported: dict[Any, int] = {}

    def tell_time(self) -> datetime:
        return self.now

    @rule(key=st.integers(0, 5), priority=st.integers(0, 1), who=st.integers(0, 1))
    def submit(self, key: int, priority: int, who: int) -> None:
        new = NewJob(OWNER, "train", {}, "a" * 64, priority=priority, idempotency_key=f"key {key}")
        self.stores[who].submit(new)
        self.keys.add(f"key {key}")

    @rule(who=st.integers(0, 1))
    def claim(self, who: int) -> None:
        job = self.stores[who].claim("cpu", SLOTS, {"pid": who})
        if job is not None:
            assert job.status == JobStatus.RUNNING
            assert all(job.token > one.token for one in self.held if one.id == job.id)
            self.held.append(job)

    @rule(turn=TURN, percent=st.floats(0, 100), count=st.integers(0, 3))
    def report(self, turn: int, percent: float, count: int) -> None:
        if self.held:
            job = self.held[-1 - turn % len(self.held)]
            told = [Happening("metric", {"step": step}) for step in range(count)]
            try:
                self.stores[0].report(job.id, job.token, told, percent=percent)
            except JobLost:
                assert self._row(job).token != job.token or job.id in self.ended
            else:
                assert self._row(job).token == job.token
                self.reported[job.id] = self.reported.get(job.id, 0) + count

    @rule(turn=TURN, status=st.sampled_from(FINAL))
    def finish(self, turn: int, status: JobStatus) -> None:
        if self.held:
            job = self.held[-1 - turn % len(self.held)]
            latest = max(one.token for one in self.held if one.id == job.id)
            if self.stores[1].finish(job.id, job.token, Ending(status)):
                assert job.token == latest, "a stale worker ended it"
                assert job.id not in self.ended

    @rule(turn=TURN, who=st.integers(0, 1), fresh=st.booleans(), itself=st.booleans())
    def take_away(self, turn: int, who: int, fresh: bool, itself: bool) -> None:
        if self.held:
            job = self.held[-1 - turn % len(self.held)]
            beats = self._row(job).beats if fresh else job.beats
            self.stores[who].take_away(job.id, job.token, None if itself else beats)

    @rule(pick=st.integers(0, 5))
    def cancel(self, pick: int) -> None:
        rows = self._rows()
        if rows:
            self.stores[0].cancel(rows[pick % len(rows)].id)

    @rule(seconds=st.sampled_from([11, 61]))
    def wait(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(who=st.integers(0, 1))
    def restart(self, who: int) -> None:
        self.stores[who] = JobStore(self.engine, self.tell_time)

    @invariant()
    def promises_hold(self) -> None:
        rows = self._rows()
        # No job is lost, and a key never made two.
        assert {row.idempotency_key for row in rows} == self.keys
        assert len(rows) == len(self.keys)
        assert sum(row.status == JobStatus.RUNNING for row in rows) <= SLOTS
        with reading(self.engine) as connection:
            told = connection.execute(select(JobEvent).order_by(col(JobEvent.number))).all()
        for row in rows:
            events = [event for event in told if event.job_id == row.id]
            # A reader who has seen up to n finds every later event, once.
            assert [event.sequence for event in events] == list(range(1, row.events + 1))
            # What was reported is there, and nothing else.
            counted = sum(event.type == "metric" for event in events)
            assert counted == self.reported.get(row.id, 0)
            # It ends once, by its last holder or by nobody's, and never goes on.
            endings = [event for event in events if event.final]
            assert (row.status in FINAL) == bool(endings)
            assert len(endings) <= 1
            assert all(event.token in (0, row.token) for event in endings)
            assert self.ended.setdefault(row.id, row.status) == row.status or (
                self.ended[row.id] not in FINAL
            )
            if row.status in FINAL:
                self.ended[row.id] = row.status
                assert events[-1].final
            else:
                del self.ended[row.id]
            assert row.attempt <= row.token

    def _rows(self) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(select(Job).order_by(col(Job.number))).all())

    def _row(self, job: Job) -> Any:
        return next(row for row in self._rows() if row.id == job.id)


@pytest.mark.slow
def test_the_promises_hold_whatever_happens(engine: Engine) -> None:
    class Machine(Jobs):
        pass

    Machine.engine = engine
    rules = settings(
        max_examples=100,
        stateful_step_count=40,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Machine, settings=rules)  # type: ignore[no-untyped-call]
