"""How long reads take while a training runs on the same machine, against while nothing runs.

The training is real: a Llama of some million parameters with random weights, in a worker of its
own, which uses every core. What it learns does not matter here.
"""

import argparse
import asyncio
import multiprocessing
import sys
from pathlib import Path
from uuid import UUID

import httpx2
import psutil
from sqlalchemy import insert
from sqlmodel import col

from backend.database import reading, writing
from backend.jobs.orders import Ending, NewJob
from backend.jobs.queries import find
from backend.samples import REQUESTS
from backend.tables.job import Job, JobStatus, Queue
from benchmarks.figures import Delays, kept, say, show, show_facts, show_machine
from benchmarks.steady import Steady
from benchmarks.studio import Running, running_studio, wait_for
from tools.workspace import Workspace

_PER_SECOND = 20
_WARM_UP_SECONDS = 2
_MODEL, _DATASET = "llama", "requests"
_RECIPE = {"num_train_epochs": 100, "per_device_train_batch_size": 8}
_QUEUE = "benchmark"  # which no dispatcher serves: jobs wait there for ever
_ENDED, _WAITING = 60, 40


def main() -> int:
    """Measure, and return 0 when the bound was kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.reads", description=__doc__)
    parser.add_argument("--seconds", type=float, default=15, help="how long each side is measured")
    parser.add_argument("--p95-ms", type=float, default=50, help="bound of the reads' p95")
    given = parser.parse_args()
    show_machine()
    with running_studio() as studio:
        _fill(studio)
        job = studio.client.jobs().jobs[0].id
        say(f"{_PER_SECOND} reads a second, {given.seconds:g} s while nothing runs ...")
        quiet = asyncio.run(_read(studio, job, given.seconds))
        training = _train(studio)
        say(f"... and {given.seconds:g} s while a training runs ...")
        worker = _worker(studio, training)
        worker.cpu_percent()  # from here
        busy = asyncio.run(_read(studio, training, given.seconds))
        used = worker.cpu_percent()
        _end(studio, training)
    loaded = Delays.of(busy.all_delays)
    show(
        f"{_PER_SECOND} reads a second",
        ("nothing runs", Delays.of(quiet.all_delays)),
        ("a training runs", loaded),
    )
    by_name = {f"p95 of {name}": _both(quiet, busy, name) for name in quiet.delays}
    show_facts({**by_name, "the training used": f"{used:.0f} % of a core"})
    return 0 if kept("p95 while a training runs", loaded.p95, given.p95_ms) else 1


def _both(quiet: Steady, busy: Steady, name: str) -> str:
    before, after = (Delays.of(side.delays[name]).p95 for side in (quiet, busy))
    return f"{before:.1f} ms, {after:.1f} ms while a training runs"


async def _read(studio: Running, job: UUID, seconds: float) -> Steady:
    addresses = {
        "a page of jobs": "/api/jobs",
        "one job": f"/api/jobs/{job}",
        "the datasets": "/api/datasets",
        "rows of a dataset": f"/api/datasets/{_DATASET}/rows?offset=500",
        "the machine": "/api/system",
    }
    async with httpx2.AsyncClient(
        base_url=studio.url, headers=studio.headers, trust_env=False, timeout=30
    ) as client:
        await Steady(client, addresses).ask(_PER_SECOND, _WARM_UP_SECONDS)
        reads = Steady(client, addresses)
        await reads.ask(_PER_SECOND, seconds)
    if set(reads.statuses) != {200}:
        raise RuntimeError(f"The reads were answered with {dict(reads.statuses)}.")
    return reads


def _fill(studio: Running) -> None:
    """Give the studio a dataset, a model, and jobs that ended or wait, as one in use has them."""
    target = Workspace(studio.settings.data_dir).models / _MODEL
    # In a process of its own: torch would be in the way of the measuring.
    builder = multiprocessing.get_context("spawn").Process(target=_build_model, args=(target,))
    builder.start()
    upload = studio.client.upload(Path(REQUESTS)).upload
    studio.client.wait(studio.client.add_dataset(_DATASET, upload=upload).id)
    _add_jobs(studio)
    builder.join()


def _add_jobs(studio: Running) -> None:
    with writing(studio.store.engine) as connection:
        connection.execute(insert(Queue).values({"name": _QUEUE}))
    payload = {"model": _MODEL, "dataset": _DATASET, "recipe": _RECIPE, "seed": 42}
    for number in range(_ENDED + _WAITING):
        new = NewJob(studio.owner, "train", payload, "0" * 64, queue=_QUEUE)
        studio.store.submit(new)
        if number < _ENDED:
            job = studio.store.claim(_QUEUE, 1, {"host": _QUEUE})
            assert job is not None
            ending = Ending(JobStatus.SUCCEEDED, result={"recipe": _RECIPE})
            studio.store.finish(job.id, job.token, ending)


def _worker(studio: Running, training: UUID) -> psutil.Process:
    with reading(studio.store.engine) as connection:
        job = find(connection, col(Job.id) == training)
    return psutil.Process((job.worker or {})["pid"])


def _end(studio: Running, training: UUID) -> None:
    job = studio.client.job(training)
    studio.client.cancel(training)
    if job.ended:
        raise RuntimeError(f"The training ended too soon: {job.status}, {job.error}")
    studio.client.wait(training)


def _build_model(target: Path) -> None:
    from transformers.utils import logging

    from tools.training.tiny_model import TinySize, build_tiny_network, build_tiny_tokenizer

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    size = TinySize(hidden=512, intermediate=1408, layers=6, heads=8)
    texts = Path(REQUESTS).read_text(encoding="utf-8").splitlines()
    tokenizer = build_tiny_tokenizer(texts, size)
    build_tiny_network(tokenizer, size).save_pretrained(target)
    tokenizer.save_pretrained(target)


def _train(studio: Running) -> UUID:
    """Start the training, and wait until it takes steps."""
    job = studio.client.train(_MODEL, _DATASET, recipe=_RECIPE).id

    def steps() -> bool:
        if studio.client.job(job).ended:
            raise RuntimeError(f"The training ended: {studio.client.job(job).error}")
        return any(event.type == "metric" for event in studio.client.events(job))

    wait_for(steps, "The training took no step")
    return job


if __name__ == "__main__":
    sys.exit(main())
