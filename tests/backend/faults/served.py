"""The studio as it is served: the API in a process of its own, over folders of its own."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import psutil

from backend.database import open_database, reading
from backend.jobs.queries import running
from backend.jobs.store import JobStore
from backend.prepare import prepare
from backend.settings import Settings, server_environment
from backend.tables.job import Job
from crewtune import Event, Retry, Studio
from tests.colours import colour_chats
from tests.sdk.real_studio import PASSWORD, free_port, until

ROOT = Path(__file__).parents[3]
PATIENT = Retry(attempts=3, first_seconds=0.05, longest_seconds=0.5, patience_seconds=60)
# Of the tiny model: 640 steps, some seconds of work after the libraries are loaded.
LONG = {"num_train_epochs": 40, "per_device_train_batch_size": 4, "learning_rate": 1e-3}


class Served:
    """A studio whose processes are started and ended, with one admin signed in to it."""

    def __init__(self, folder: Path, tiny_model: Path, **settings: str) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        given = {
            "CREWTUNE_DATA_DIR": str(folder / "data"),
            "CREWTUNE_MLRUNS_DIR": str(folder / "mlruns"),
            "CREWTUNE_SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnop",
            **settings,
        }
        empty = dict.fromkeys(("DATABASE_URL", "LLM_BASE_URL", "MLFLOW_TRACKING_URI"), "")
        self._environment = server_environment(**{**empty, **given})
        self.settings = Settings(_env_file=None, **given)  # type: ignore[call-arg]
        shutil.copytree(tiny_model, self.settings.data_dir / "models" / "tiny")
        setup_code = prepare(self.settings)
        self.engine = open_database(self.settings.studio_database_url)
        self.store = JobStore(self.engine)
        self.start()
        self.anna = Studio(self.url, retry=PATIENT)
        self.anna.set_up(setup_code or "", "anna", PASSWORD)
        self.owner = self.anna.sign_in("anna", PASSWORD).id

    def start(self) -> None:
        """Start the API, and wait until it can work."""
        with (self.folder / "api.log").open("ab") as log:
            self.api = subprocess.Popen(
                [sys.executable, "-m", "backend.serve", "--port", str(self.port)],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
        until(self.ready, seconds=60)

    def ready(self) -> bool:
        assert self.api.poll() is None, self.log()
        try:
            return httpx2.get(f"{self.url}/ready", trust_env=False).is_success
        except httpx2.RequestError:
            return False

    def end(self, signal: int) -> int:
        """Send the API a signal, and return the exit code that it ends with."""
        self.api.send_signal(signal)
        return self.api.wait(timeout=30)

    def signed(self) -> dict[str, str]:
        """Return the headers of a program that is signed in as the admin."""
        key = self.anna.make_api_key("program", "read", "write").key.get_secret_value()
        return {"Authorization": f"Bearer {key}"}

    @property
    def process(self) -> psutil.Process:
        """The API's."""
        return psutil.Process(self.api.pid)

    def log(self) -> str:
        return (self.folder / "api.log").read_text(encoding="utf-8")

    def add_colours(self, rows: int = 80) -> None:
        """Give the admin the dataset `colours`."""
        path = self.folder / "colours.jsonl"
        lines = [row.model_dump_json(include={"messages"}) for row in colour_chats(rows)]
        path.write_text("\n".join(lines), encoding="utf-8")
        job = self.anna.add_dataset("colours", upload=self.anna.upload(path).upload)
        assert self.anna.wait(job.id, timeout_seconds=60).succeeded

    def train(self, **recipe: Any) -> UUID:
        return self.anna.train("tiny", "colours", recipe={**LONG, **recipe}).id

    def at_step(self, job_id: UUID, step: int) -> None:
        """Wait until the job has told the loss of that step."""
        until(lambda: any(e.data["step"] >= step for e in self.metrics(job_id)), seconds=120)

    def metrics(self, job_id: UUID) -> list[Event]:
        return [event for event in self.anna.events(job_id) if event.type == "metric"]

    def running(self) -> dict[UUID, Job]:
        """The jobs that have a worker, as the database has it."""
        with reading(self.engine) as connection:
            return {job.id: job for job in running(connection)}

    def worker(self, job_id: UUID) -> psutil.Process:
        return psutil.Process((self.running()[job_id].worker or {})["pid"])

    def processes(self) -> list[psutil.Process]:
        """Whatever works in this studio's folders, of the API and of the workers."""
        wanted = str(self.settings.data_dir)
        return [one for one in psutil.process_iter() if alive(one) and data_dir(one) == wanted]

    def close(self) -> None:
        """End everything that is left."""
        self.anna.close()
        self.engine.dispose()
        for process in self.processes():
            process.kill()
        self.api.wait(timeout=30)
        until(lambda: not self.processes())


def alive(process: psutil.Process) -> bool:
    """Whether it runs; one whose end nobody noted yet does not."""
    return bool(tolerant(lambda: process.status() != psutil.STATUS_ZOMBIE))


def data_dir(process: psutil.Process) -> str | None:
    environment = tolerant(process.environ) or {}
    return environment.get("CREWTUNE_DATA_DIR")


def tolerant(ask: Callable[[], Any]) -> Any:
    """Return what a process says of itself, or None when it is gone or another user's."""
    try:
        return ask()
    except (psutil.Error, ProcessLookupError):
        return None
