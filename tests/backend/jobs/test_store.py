import threading
from uuid import UUID, uuid4

import pytest
from sqlalchemy import event, select, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from backend.database import reading, writing
from backend.jobs.orders import Ending, Happening, JobLost, KeyConflict, NewJob
from backend.jobs.queries import events_after, find_owned, list_owned, positions
from backend.jobs.store import ATTEMPTS, JobStore
from backend.tables.job import Job, JobEvent, JobStatus

ANNA, BEN = uuid4(), uuid4()
WORKER = {"host": "here", "pid": 1}


def new(owner: UUID = ANNA, **fields: object) -> NewJob:
    values = {"kind": "train", "payload": {"epochs": 1}, "request_sha256": "a" * 64}
    return NewJob(owner_id=owner, **{**values, **fields})  # type: ignore[arg-type]


def submit(jobs: JobStore, **fields: object) -> Job:
    return jobs.submit(new(**fields))[0]  # type: ignore[arg-type]


def claim(jobs: JobStore, slots: int = 9) -> Job:
    job = jobs.claim("cpu", slots, WORKER)
    assert job is not None
    return job


def allow_at_once(jobs: JobStore) -> None:
    """End the pause before a lost job is begun again."""
    with writing(jobs.engine) as connection:
        connection.execute(update(Job).values(not_before=Job.created_at))


def see(jobs: JobStore, job: Job) -> Job:
    with reading(jobs.engine) as connection:
        found = find_owned(connection, job.owner_id, job.id)
    assert found is not None
    return found


def told(jobs: JobStore, job: Job) -> list[str]:
    with reading(jobs.engine) as connection:
        events = events_after(connection, job.id, 0)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    return [event.type for event in events]


def test_the_same_key_makes_one_job(jobs: JobStore) -> None:
    first, is_new = jobs.submit(new(idempotency_key="k"))
    again, is_new_again = jobs.submit(new(idempotency_key="k"))

    assert (is_new, is_new_again) == (True, False)
    assert again.id == first.id
    assert jobs.submit(new(owner=BEN, idempotency_key="k"))[0].id != first.id


def test_the_same_key_for_another_request_is_a_conflict(jobs: JobStore) -> None:
    jobs.submit(new(idempotency_key="k"))

    with pytest.raises(KeyConflict):
        jobs.submit(new(idempotency_key="k", request_sha256="b" * 64))


def test_jobs_without_a_key_are_all_new(jobs: JobStore) -> None:
    assert submit(jobs).id != submit(jobs).id


def test_urgent_jobs_come_first_and_then_the_oldest(jobs: JobStore) -> None:
    first, second, urgent = submit(jobs), submit(jobs), submit(jobs, priority=1)

    with reading(jobs.engine) as connection:
        places = positions(connection, [urgent, first, second])
    assert places == {urgent.id: 0, first.id: 1, second.id: 2}
    assert [claim(jobs).id for _ in range(3)] == [urgent.id, first.id, second.id]


def test_the_places_of_a_page_of_jobs_are_one_question(jobs: JobStore) -> None:
    submit(jobs)
    begun = claim(jobs)
    first, elsewhere, second = submit(jobs), submit(jobs, queue="gpu"), submit(jobs, owner=BEN)
    asked: list[str] = []

    with reading(jobs.engine) as connection:
        event.listen(connection, "before_cursor_execute", lambda *given: asked.append(given[2]))
        places = positions(connection, [second, elsewhere, begun, first])

    assert places == {first.id: 0, second.id: 1, elsewhere.id: 0}
    assert len(asked) == 1


def test_no_more_jobs_run_than_there_are_slots(jobs: JobStore) -> None:
    for _ in range(3):
        submit(jobs)
    submit(jobs, queue="gpu")

    assert jobs.claim("cpu", 2, WORKER)
    assert jobs.claim("cpu", 2, WORKER)
    assert jobs.claim("cpu", 2, WORKER) is None
    assert jobs.claim("gpu", 1, WORKER)


def test_a_job_reports_and_ends(jobs: JobStore) -> None:
    job = submit(jobs)
    held = claim(jobs)

    loss = Happening("metric", {"name": "loss", "value": 2.5, "step": 1})
    assert not jobs.report(held.id, held.token, [loss], percent=40, seconds_left=6)
    assert jobs.finish(held.id, held.token, Ending(JobStatus.SUCCEEDED, result={"steps": 9}))

    ended = see(jobs, job)
    assert (ended.status, ended.percent, ended.result) == ("succeeded", 100, {"steps": 9})
    assert told(jobs, job) == ["queued", "started", "metric", "succeeded"]


def test_progress_never_goes_back(jobs: JobStore) -> None:
    submit(jobs)
    held = claim(jobs)

    for percent in (30.0, 20.0, None):
        jobs.report(held.id, held.token, percent=percent)

    assert see(jobs, held).percent == 30


def test_who_lost_a_job_changes_nothing_any_more(jobs: JobStore) -> None:
    submit(jobs)
    held = claim(jobs)
    assert jobs.take_away(held.id, held.token, see(jobs, held).beats) == JobStatus.INTERRUPTED

    for again in (False, True):
        if again:
            allow_at_once(jobs)
            claim(jobs)
        with pytest.raises(JobLost):
            jobs.report(held.id, held.token, [Happening("log")])
        assert not jobs.finish(held.id, held.token, Ending(JobStatus.SUCCEEDED))
        assert not jobs.note_worker(held.id, held.token, WORKER)
        assert jobs.take_away(held.id, held.token) is None
    assert told(jobs, held) == ["queued", "started", "interrupted", "started"]


def test_a_worker_that_gave_a_sign_of_life_keeps_its_job(jobs: JobStore) -> None:
    submit(jobs)
    held = claim(jobs)
    seen = see(jobs, held).beats
    jobs.report(held.id, held.token)

    assert jobs.take_away(held.id, held.token, seen) is None
    assert see(jobs, held).status == "running"


def test_a_job_whose_workers_keep_dying_fails(jobs: JobStore) -> None:
    job = submit(jobs)
    for attempt in range(1, ATTEMPTS + 1):
        allow_at_once(jobs)
        held = claim(jobs)
        assert held.attempt == attempt
        jobs.take_away(held.id, held.token, held.beats)

    assert see(jobs, job).status == "failed"
    assert see(jobs, job).error == {"code": "worker_lost"}


def test_a_job_that_is_given_back_waits_for_nothing(jobs: JobStore) -> None:
    submit(jobs)
    held = claim(jobs)

    assert jobs.take_away(held.id, held.token) == JobStatus.INTERRUPTED
    assert claim(jobs).token > held.token


def test_a_lost_job_is_begun_again_after_a_pause(jobs: JobStore) -> None:
    submit(jobs)
    held = claim(jobs)
    jobs.take_away(held.id, held.token, held.beats)

    assert jobs.claim("cpu", 9, WORKER) is None


def test_cancelling_a_waiting_job_ends_it(jobs: JobStore) -> None:
    job = submit(jobs)

    assert jobs.cancel(job.id) == JobStatus.CANCELLED
    assert jobs.cancel(job.id) == JobStatus.CANCELLED
    assert jobs.claim("cpu", 9, WORKER) is None
    assert told(jobs, job) == ["queued", "cancelled"]


def test_cancelling_a_running_job_asks_its_worker(jobs: JobStore) -> None:
    submit(jobs)
    held = claim(jobs)

    assert jobs.cancel(held.id) == JobStatus.RUNNING
    assert jobs.cancel(held.id) == JobStatus.RUNNING
    assert jobs.report(held.id, held.token)
    assert jobs.finish(held.id, held.token, Ending(JobStatus.CANCELLED))
    assert told(jobs, held) == ["queued", "started", "cancel_requested", "cancelled"]


def test_a_worker_that_dies_after_cancel_leaves_a_cancelled_job(jobs: JobStore) -> None:
    submit(jobs)
    held = claim(jobs)
    jobs.cancel(held.id)

    assert jobs.take_away(held.id, held.token, held.beats) == JobStatus.CANCELLED


def test_the_database_forbids_a_second_ending(jobs: JobStore) -> None:
    submit(jobs)
    held = claim(jobs)
    jobs.finish(held.id, held.token, Ending(JobStatus.FAILED, error={"code": "x"}))

    with reading(jobs.engine) as connection:
        row = dict(connection.execute(select(JobEvent).where(col(JobEvent.final))).mappings().one())
    row |= {"number": None, "sequence": 99}
    with pytest.raises(IntegrityError), writing(jobs.engine) as connection:
        connection.execute(JobEvent.__table__.insert().values(row))  # type: ignore[attr-defined]


def test_another_users_job_is_not_found(jobs: JobStore) -> None:
    job = submit(jobs)

    with reading(jobs.engine) as connection:
        assert find_owned(connection, BEN, job.id) is None
        assert list_owned(connection, BEN) == []
        assert [one.id for one in list_owned(connection, ANNA, kinds=["train"])] == [job.id]


def test_no_update_is_lost_among_eight_writers(jobs: JobStore) -> None:
    submit(jobs)
    held = claim(jobs)

    def beat() -> None:
        for _ in range(40):
            jobs.report(held.id, held.token, [Happening("log")])

    writers = [threading.Thread(target=beat) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert see(jobs, held).beats == 320
    with reading(jobs.engine) as connection:
        rows = connection.execute(select(col(JobEvent.sequence)).order_by(col(JobEvent.sequence)))
        assert list(rows.scalars()) == list(range(1, 323))


def test_two_dispatchers_run_each_of_a_hundred_jobs_once(jobs: JobStore) -> None:
    for _ in range(100):
        submit(jobs)
    taken: list[UUID] = []

    def dispatch() -> None:
        while (job := jobs.claim("cpu", 200, WORKER)) is not None:
            taken.append(job.id)

    dispatchers = [threading.Thread(target=dispatch) for _ in range(2)]
    for dispatcher in dispatchers:
        dispatcher.start()
    for dispatcher in dispatchers:
        dispatcher.join()

    assert len(taken) == len(set(taken)) == 100
