"""A small studio: a database, a workspace with a model and a dataset, and a real dispatcher."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
from sqlalchemy import Engine

from backend.database import open_database, reading
from backend.datasets import keep_dataset
from backend.jobs.dispatcher import Dispatcher, Patience
from backend.jobs.local_runner import LocalRunner
from backend.jobs.orders import NewJob
from backend.jobs.place import workspace_of
from backend.jobs.queries import events_after, find_owned, running
from backend.jobs.requests import QUEUES
from backend.jobs.store import JobStore
from backend.migrate import migrate
from backend.settings import Settings, worker_environment
from backend.tables.job import FINAL, Job, JobEvent
from tests.colours import colour_chats
from tools.data.audit_dataset import audit
from tools.data.conversation import write_version
from tools.data.data_policy import DataPolicy
from tools.data.import_dataset import import_dataset
from tools.workspace import Workspace


class Studio:
    """What the tests of whole jobs stand on."""

    def __init__(
        self, folder: Path, tiny_model: Path, *, tracking: str | None = None, **patience: float
    ) -> None:
        self.settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            CREWTUNE_DATA_DIR=folder / "data",
            CREWTUNE_MLRUNS_DIR=folder / "mlruns",
            MLFLOW_TRACKING_URI=tracking,
        )
        self.owner = uuid4()
        self.environment = worker_environment(self.settings)
        models = Workspace(self.settings.data_dir).models
        shutil.copytree(tiny_model, models / "tiny")
        self.engine: Engine = open_database(self.settings.studio_database_url)
        migrate(self.engine)
        self.store = JobStore(self.engine)
        self.patience = Patience(between_looks=0.1, **patience)
        self.runner = LocalRunner(self.environment, self.settings.data_dir / "logs")
        self.dispatcher = self.new_dispatcher()

    @property
    def workspace(self) -> Workspace:
        return workspace_of(self.settings, self.owner)

    def new_dispatcher(self) -> Dispatcher:
        slots = {"cpu": 2, "gpu": 1}
        return Dispatcher(self.store, self.runner, slots, patience=self.patience)

    def add_colours(self, rows: int = 80) -> None:
        """Give the owner the dataset `colours`."""
        path = write_version(self.workspace.datasets, "colours", colour_chats(rows))
        report = import_dataset(path, self.workspace.datasets)
        found = audit(self.workspace.dataset(report.dataset))
        policy = DataPolicy()
        keep_dataset(
            self.engine, self.owner, "colours", imported=report, audit=found, policy=policy
        )

    def submit(self, kind: str, **payload: Any) -> Job:
        new = NewJob(self.owner, kind, payload, "a" * 64, queue=QUEUES[kind])
        job = self.store.submit(new)[0]
        self.dispatcher.wake()
        return job

    def train(self, **recipe: Any) -> Job:
        return self.submit("train", model="tiny", dataset="colours", recipe=recipe)

    def see(self, job_id: UUID) -> Job:
        with reading(self.engine) as connection:
            job = find_owned(connection, self.owner, job_id)
        assert job is not None
        return job

    def events(self, job_id: UUID, kind: str | None = None) -> list[JobEvent]:
        with reading(self.engine) as connection:
            events = events_after(connection, job_id, 0, limit=100_000)
        return [event for event in events if kind in (None, event.type)]

    def until(self, true: Callable[[], bool], seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, "It did not happen in time."
            time.sleep(0.05)

    def ended(self, job: Job, seconds: float = 120) -> Job:
        """Wait for the end of the job, and return it."""
        self.until(lambda: self.see(job.id).status in FINAL, seconds)
        return self.see(job.id)

    def at_step(self, job: Job, step: int) -> None:
        """Wait until the job has told the loss of that step."""
        self.until(
            lambda: any(e.data["step"] >= step for e in self.events(job.id, "metric")), seconds=120
        )

    def worker(self, job: Job) -> psutil.Process:
        return psutil.Process((self.see(job.id).worker or {})["pid"])

    def log(self, job: Job) -> str:
        return (self.settings.data_dir / "logs" / f"{job.id}.log").read_text(encoding="utf-8")

    def close(self) -> None:
        """End the dispatcher and whatever still works."""
        self.dispatcher.stop()
        with reading(self.engine) as connection:
            workers = [job.worker for job in running(connection) if job.worker]
        for worker in workers:
            self.runner.kill(worker)
        self.until(lambda: not any(self.runner.alive(worker) for worker in workers))
        self.engine.dispose()
