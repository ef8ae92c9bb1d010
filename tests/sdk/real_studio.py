"""The real API behind a real port, whose jobs are done by the test itself."""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import uvicorn
from sqlalchemy import select
from sqlmodel import col

from backend.accounts.setup_code import ensure_setup_code
from backend.database import open_database, reading
from backend.jobs.kinds import work_of
from backend.jobs.local_runner import Runner
from backend.jobs.orders import Ending, Happening
from backend.jobs.place import place_of
from backend.jobs.queries import find
from backend.jobs.store import JobStore
from backend.main import create_app
from backend.migrate import migrate
from backend.settings import Settings
from backend.tables.job import FINAL, Job, JobStatus
from crewtune import Retry, Studio
from tests.listener import Listener

PASSWORD = "a quiet river runs north"
Connect = Callable[..., Studio]
QUICK = Retry(attempts=3, first_seconds=0.01, longest_seconds=0.1, patience_seconds=10)


class MovableClock:
    """Goes as clocks do, until it is moved on."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move(self, **by: float) -> None:
        self.ahead += timedelta(**by)


class ByHand:
    """A runner whose jobs the test does."""

    def start(self, job_id: UUID, token: int, *, trains: bool = False) -> Mapping[str, Any]:
        return {"by": "hand"}

    def expect_training(self) -> None:
        return None

    def knows(self, worker: Mapping[str, Any]) -> bool:
        return True

    def alive(self, worker: Mapping[str, Any]) -> bool:
        return True

    def kill(self, worker: Mapping[str, Any]) -> None:
        return None


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


class RealStudio:
    """A studio that is started, stopped and started again."""

    def __init__(self, folder: Path, *, works: bool = False, **settings: Any) -> None:
        """Start one; its jobs are done by the test, or `works` by workers of its own."""
        self.settings = Settings(
            _env_file=None,
            **{
                "CREWTUNE_DATA_DIR": folder / "data",
                "CREWTUNE_MLRUNS_DIR": folder / "mlruns",
                "CREWTUNE_SECRET_KEY": "only-for-tests-0123456789-abcdefghijklmnop",
                **settings,
            },
        )
        self.settings.data_dir.mkdir(parents=True)
        self.engine = open_database(self.settings.studio_database_url)
        migrate(self.engine)
        self.store = JobStore(self.engine)
        self.clock = MovableClock()
        self.url = f"http://127.0.0.1:{free_port()}"
        self.setup_code = ensure_setup_code(self.engine) or ""
        self._people = count(1)
        self._runner: Runner | None = None if works else ByHand()
        self.start()

    def start(self) -> None:
        app = create_app(
            self.settings, self.engine, clock=self.clock, password_rounds=4, runner=self._runner
        )
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                port=int(self.url.rpartition(":")[2]),
                log_level="critical",
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        until(lambda: self._server.started)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=20)
        assert not self._thread.is_alive()

    def close(self) -> None:
        self.stop()
        self.engine.dispose()

    def new_person(self) -> str:
        """Make an account for somebody who was not here before, an admin, and return the name."""
        name = f"person{next(self._people)}"
        with Studio(self.url) as studio:
            if studio.registration().setup_needed:
                studio.set_up(self.setup_code, "root", PASSWORD)
            studio.sign_in("root", PASSWORD)
            code = studio.invite("admin").code.get_secret_value()
            studio.register(name, PASSWORD, code)
        return name

    def end_all(self) -> None:
        """End every job that has not ended, so that the next one begins at once."""
        with reading(self.engine) as connection:
            rows = connection.execute(select(Job).where(col(Job.status).not_in(FINAL))).mappings()
            left = [Job.model_validate(dict(row)) for row in rows]
        for job in left:
            self.store.cancel(job.id)
        for job in left:
            now = self.see(job.id)
            self.store.finish(now.id, now.token, Ending(JobStatus.CANCELLED))

    def see(self, job_id: UUID) -> Job:
        with reading(self.engine) as connection:
            return find(connection, col(Job.id) == job_id)

    def running(self, job_id: UUID) -> Job:
        """Wait until the job is begun, and return it."""
        until(lambda: self.see(job_id).status == JobStatus.RUNNING)
        return self.see(job_id)

    def tell(self, job_id: UUID, *sentences: str, **progress: float) -> None:
        """Let the job say something."""
        told = [Happening("log", {"message": one}) for one in sentences]
        self.store.report(job_id, self.running(job_id).token, told, **progress)

    def measure(self, job_id: UUID, name: str, value: float, step: int) -> None:
        metric = Happening("metric", {"name": name, "value": value, "step": step})
        self.store.report(job_id, self.running(job_id).token, [metric])

    def succeed(self, job_id: UUID, **result: Any) -> None:
        self._finish(job_id, Ending(JobStatus.SUCCEEDED, result=result))

    def fail(self, job_id: UUID, code: str, reason: str) -> None:
        self._finish(job_id, Ending(JobStatus.FAILED, error={"code": code, "reason": reason}))

    def do(self, job_id: UUID) -> None:
        """Do the job's real work, here."""
        job = self.running(job_id)
        place = place_of(job, self.settings, Listener())
        self.succeed(job_id, **work_of(job.kind)(place, self.engine))

    def _finish(self, job_id: UUID, ending: Ending) -> None:
        job = self.running(job_id)
        assert self.store.finish(job.id, job.token, ending)


def until(true: Callable[[], object], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "It did not happen in time."
        time.sleep(0.02)
