import asyncio
from uuid import uuid4

from sqlalchemy import event

from backend.jobs.feed import Feed, Told
from backend.jobs.orders import Ending, Happening, NewJob
from backend.jobs.store import JobStore
from backend.tables.job import Job, JobStatus


def begun(jobs: JobStore) -> Job:
    jobs.submit(NewJob(uuid4(), "train", {}, "a" * 64))
    job = jobs.claim("cpu", 1, {})
    assert job is not None
    return job


async def listen(feed: Feed, job: Job, sequence: int = 0) -> list[Told]:
    """Return every event after `sequence` up to the job's end."""
    heard: list[Told] = []
    await feed.join(job.id)
    while not heard or not heard[-1].final:
        told = await feed.after(job.id, heard[-1].sequence if heard else sequence, seconds=10)
        assert told, "Nothing came for ten seconds."
        heard.extend(told)
    feed.leave(job.id)
    return heard


def test_every_listener_hears_everything_once_whenever_it_comes(jobs: JobStore) -> None:
    job = begun(jobs)

    async def scene() -> list[list[int]]:
        feed = Feed(jobs.engine)
        early = [asyncio.create_task(listen(feed, job)) for _ in range(5)]
        for step in range(30):
            said = [Happening("metric", {"step": step})] * 20
            await asyncio.to_thread(jobs.report, job.id, job.token, said)
            await asyncio.sleep(0.02)
        late = [asyncio.create_task(listen(feed, job, sequence)) for sequence in (0, 100, 600)]
        await asyncio.sleep(0.3)
        await asyncio.to_thread(jobs.finish, job.id, job.token, Ending(JobStatus.SUCCEEDED))
        heard = await asyncio.gather(*early, *late)
        assert feed.listeners == 0
        return [[told.sequence for told in one] for one in heard]

    heard = asyncio.run(scene())

    # queued, started, 600 metrics, succeeded
    assert heard[:6] == [list(range(1, 604))] * 6
    assert heard[6] == list(range(101, 604))
    assert heard[7] == list(range(601, 604))


def test_many_listeners_are_no_more_questions_to_the_database(jobs: JobStore) -> None:
    job = begun(jobs)
    asked: list[str] = []
    event.listen(jobs.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    async def scene() -> list[list[Told]]:
        feed = Feed(jobs.engine)
        many = [asyncio.create_task(listen(feed, job, sequence=2)) for _ in range(100)]
        for _ in range(20):
            await asyncio.sleep(0.1)
            await asyncio.to_thread(jobs.report, job.id, job.token, [Happening("metric", {})])
        await asyncio.to_thread(jobs.finish, job.id, job.token, Ending(JobStatus.SUCCEEDED))
        return await asyncio.gather(*many)

    heard = asyncio.run(scene())

    assert [len(one) for one in heard] == [21] * 100
    # Each looks once or twice when it comes; a question for each listener and event would be 2100.
    assert sum("FROM job_events" in statement for statement in asked) < 300


def test_a_listener_of_an_ended_job_hears_it_all(jobs: JobStore) -> None:
    job = begun(jobs)
    jobs.finish(job.id, job.token, Ending(JobStatus.FAILED, error={"code": "disk_full"}))

    heard = asyncio.run(listen(Feed(jobs.engine), job))

    assert [told.sequence for told in heard] == [1, 2, 3]
    assert heard[-1].sse.startswith(b"event: failed\ndata: {")
    assert heard[-1].sse.endswith(b"id: 3\n\n")


def test_a_listener_is_let_go_when_the_server_ends(jobs: JobStore) -> None:
    job = begun(jobs)

    async def scene() -> bool:
        feed = Feed(jobs.engine)
        await feed.join(job.id)
        waiting = asyncio.create_task(feed.after(job.id, 2, seconds=30))
        await asyncio.sleep(0.5)
        await feed.close()
        return await asyncio.wait_for(waiting, 2) == []

    assert asyncio.run(scene())
