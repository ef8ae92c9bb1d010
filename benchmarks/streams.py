"""How long a job's event takes to a thousand listeners on one core, against fifty.

Events are told as workers tell them: through the job store, by another process than the server.
A delay begins before the event is written, so the commit is part of it.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from sqlalchemy import insert

from backend.database import writing
from backend.jobs.orders import Happening, NewJob
from backend.open_files import allow_many_files
from backend.tables.job import Job, Queue
from benchmarks.counted_server import prepare_count, read_count
from benchmarks.figures import Delays, kept, say, show, show_facts, show_machine
from benchmarks.listener import Listener
from benchmarks.studio import Running, running_studio

_FEW = 50
_OPENING = 40  # streams that are being opened at once
_QUEUE = "benchmark"  # which no dispatcher serves: its jobs are ours


@dataclass(frozen=True)
class Side:
    """What was seen with so many streams."""

    streams: int
    delays: Delays
    statements_a_second: float
    megabytes: float
    core_percent: float


def main() -> int:
    """Measure, and return 0 when the bound was kept and no event was lost."""
    parser = argparse.ArgumentParser(prog="benchmarks.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=1000, help="streams of the larger side")
    parser.add_argument("--jobs", type=int, default=20, help="jobs; each tells an event a second")
    parser.add_argument("--seconds", type=float, default=15, help="how long each side is measured")
    parser.add_argument("--p99-ms", type=float, default=100, help="bound of the delay's p99")
    given = parser.parse_args()
    show_machine()
    allow_many_files()
    server_core, *others = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, others or {server_core})
    with tempfile.NamedTemporaryFile() as file:
        count = Path(file.name)
        prepare_count(count)
        command = ("-m", "benchmarks.counted_server", file.name, str(server_core))
        with running_studio(command) as studio:
            jobs = _begin_jobs(studio, given.jobs)
            few, many = (
                asyncio.run(_measure(studio, jobs, streams, given.seconds, count))
                for streams in (_FEW, given.streams)
            )
    _show(few, many, given.jobs)
    return 0 if kept(f"p99 of {many.streams} streams", many.delays.p99, given.p99_ms) else 1


def _begin_jobs(studio: Running, number: int) -> list[Job]:
    with writing(studio.store.engine) as connection:
        connection.execute(insert(Queue).values({"name": _QUEUE}))
    begun = []
    for _ in range(number):
        studio.store.submit(NewJob(studio.owner, "train", {}, "0" * 64, queue=_QUEUE))
        job = studio.store.claim(_QUEUE, number, {"host": _QUEUE})
        assert job is not None
        begun.append(job)
    return begun


async def _measure(
    studio: Running, jobs: Sequence[Job], streams: int, seconds: float, count: Path
) -> Side:
    say(f"{streams} streams of {len(jobs)} jobs, {seconds:g} s ...")
    stop = asyncio.Event()
    telling = asyncio.create_task(_tell(studio, jobs, stop))
    listeners = await _open(studio, jobs, streams)
    await asyncio.sleep(2)  # what opening them left to do is done
    for listener in listeners:
        listener.delays.clear()
    statements, processor, begin = read_count(count), _processor(studio), time.monotonic()
    await asyncio.sleep(seconds)
    took = time.monotonic() - begin
    side = Side(
        streams=streams,
        delays=Delays.of([delay for one in listeners for delay in one.delays]),
        statements_a_second=(read_count(count) - statements) / took,
        megabytes=studio.process.memory_info().rss / 1e6,
        core_percent=100 * (_processor(studio) - processor) / took,
    )
    stop.set()
    await telling
    if not all(one.whole for one in listeners):
        raise RuntimeError("A stream ended, or an event was lost or came twice.")
    for listener in listeners:
        listener.close()
    return side


async def _tell(studio: Running, jobs: Sequence[Job], stop: asyncio.Event) -> None:
    """Let each job tell one event a second, the jobs one after the other."""
    pause = 1 / len(jobs)
    due = time.monotonic()
    for job in cycle(jobs):
        if stop.is_set():
            return
        due = max(due + pause, time.monotonic() - 1)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        told = Happening("metric", {"told": time.monotonic()})
        await asyncio.to_thread(studio.store.report, job.id, job.token, [told])


async def _open(studio: Running, jobs: Sequence[Job], streams: int) -> list[Listener]:
    host, port = studio.address
    doors = asyncio.Semaphore(_OPENING)

    async def open_one(job: Job) -> Listener:
        async with doors:
            headers = {**studio.headers, "Last-Event-ID": str(job.events)}
            _, listener = await asyncio.get_running_loop().create_connection(
                lambda: Listener(f"/api/jobs/{job.id}/stream", headers),
                host,
                port,
            )
            await listener.opened
            return listener

    return await asyncio.gather(*(open_one(job) for job in islice(cycle(jobs), streams)))


def _processor(studio: Running) -> float:
    times = studio.process.cpu_times()
    return float(times.user + times.system)


def _show(few: Side, many: Side, jobs: int) -> None:
    sides = ((f"{one.streams} streams", one.delays) for one in (few, many))
    show(f"from telling to arrival; {jobs} events a second", *sides)
    each = (many.megabytes - few.megabytes) / max(1, many.streams - few.streams)
    show_facts(
        {
            "database statements a second": " and ".join(
                f"{one.statements_a_second:.0f} with {one.streams}" for one in (few, many)
            ),
            "the server's core": " and ".join(
                f"{one.core_percent:.0f} % with {one.streams}" for one in (few, many)
            ),
            "memory a stream": f"{each * 1000:.0f} kB ({many.megabytes:.0f} MB in all)",
        }
    )


if __name__ == "__main__":
    sys.exit(main())
