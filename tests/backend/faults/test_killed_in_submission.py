"""The API dies inside a submission, at every point there is, and the client asks again."""

import multiprocessing
import threading
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine, func, select
from sqlmodel import col

from backend.accounts.setup_code import ensure_setup_code
from backend.database import reading
from backend.tables.job import Job, JobEvent
from crewtune import Retry, Studio
from tests.backend.faults import dying_api
from tests.sdk.real_studio import PASSWORD, free_port, until

pytestmark = pytest.mark.prove

PATIENT = Retry(attempts=200, first_seconds=0.05, longest_seconds=0.2)


class Revived:
    """An API that is started again whenever it died."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.deaths = 0
        # Forked from a process that has imported everything and has no threads.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([dying_api.__name__])
        url = engine.url.render_as_string(hide_password=False)
        self._arguments = (url, folder, self.port)
        self._stop = threading.Event()
        self._begin()
        self._thread = threading.Thread(target=self._revive, daemon=True)
        self._thread.start()
        until(self._answers, seconds=60)

    def _begin(self) -> None:
        self._process = self._context.Process(target=dying_api.serve, args=self._arguments)
        self._process.start()

    def _revive(self) -> None:
        while not self._stop.is_set():
            self._process.join(0.05)
            if self._process.exitcode is not None and not self._stop.is_set():
                assert self._process.exitcode == dying_api.KILLED
                self.deaths += 1
                self._begin()

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/health", trust_env=False).is_success
        except httpx2.RequestError:
            return False

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        self._process.kill()
        self._process.join()


def test_f4_there_is_one_job_wherever_the_api_dies(engine: Engine, tmp_path: Path) -> None:
    code = ensure_setup_code(engine) or ""
    api = Revived(engine, tmp_path)
    try:
        with Studio(api.url, retry=PATIENT) as anna:
            anna.set_up(code, "anna", PASSWORD)
            anna.sign_in("anna", PASSWORD)
            jobs, deaths = [], -1
            while api.deaths > deaths:
                deaths = api.deaths
                (tmp_path / "die_at").write_text(str(len(jobs) + 1), encoding="utf-8")
                # The client repeats it with the same Idempotency-Key until it is answered.
                jobs.append(anna.add_dataset("rows", hub_id="nobody/nothing").id)
    finally:
        api.close()

    with reading(engine) as connection:
        queued = col(JobEvent.type) == "queued"
        told = select(col(JobEvent.job_id), func.count()).where(queued)
        assert dict(map(tuple, connection.execute(told.group_by(col(JobEvent.job_id))))) == (
            dict.fromkeys(jobs, 1)
        )
        assert set(connection.scalars(select(col(Job.id)))) == set(jobs)
    # It died at each of: who asks, the job, its event, the commit, and reading it for the answer.
    assert api.deaths == len(jobs) - 1 >= 8
