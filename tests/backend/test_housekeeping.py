import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from backend.clock import utc_now
from backend.database import reading
from backend.housekeeping import Housekeeping
from backend.jobs.forget_old import forget_old
from backend.jobs.orders import Ending, Happening, NewJob
from backend.jobs.queries import events_after
from backend.jobs.store import JobStore
from backend.send_unsent import idle_unsent
from backend.settings import Settings
from backend.tables.job import Job, JobStatus
from tests.mlflow_server import until_true
from tools.tracking.metrics_file import MetricsFile, read_link
from tools.tracking.mlflow_run import DatasetInput, RunDescription
from tools.tracking.send_unsent import note_unsent

DAY = timedelta(days=1)


def ended(jobs: JobStore) -> Job:
    job, _ = jobs.submit(NewJob(uuid4(), "train", {}, "a" * 64, queue="gpu"))
    job = jobs.claim("gpu", 1, {}) or job
    jobs.report(job.id, job.token, [Happening("log", {"message": "Training."})])
    assert jobs.finish(job.id, job.token, Ending(JobStatus.SUCCEEDED, result={"steps": 8}))
    return job


def told(engine: Engine, job: Job) -> list[str]:
    with reading(engine) as connection:
        return [event.type for event in events_after(connection, job.id, 0)]


def aged(path: Path, days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_dir():
        path.write_text("what was said", encoding="utf-8")
    then = time.time() - days * 86_400
    os.utime(path, (then, then))
    return path


def test_what_a_job_said_is_forgotten_and_its_ending_stays(
    engine: Engine, jobs: JobStore, tmp_path: Path
) -> None:
    old = ended(jobs)
    now = datetime.now(UTC)

    assert forget_old(engine, tmp_path, now=now + 89 * DAY, days=90) == 0
    assert forget_old(engine, tmp_path, now=now + 91 * DAY, days=90) == 3

    assert told(engine, old) == ["succeeded"]


def test_a_job_that_has_not_ended_keeps_all(engine: Engine, jobs: JobStore, tmp_path: Path) -> None:
    job, _ = jobs.submit(NewJob(uuid4(), "train", {}, "a" * 64, queue="gpu"))

    forget_old(engine, tmp_path, now=datetime.now(UTC) + 400 * DAY, days=90)

    assert told(engine, job) == ["queued"]


def test_old_logs_and_uploads_go_and_everything_else_stays(engine: Engine, tmp_path: Path) -> None:
    logs, owner = tmp_path / "logs", tmp_path / "workspaces" / "anna"
    gone = aged(logs / f"{uuid4()}.log", days=91)
    upload = owner / "uploads" / "sent"
    aged(upload / "rows.jsonl", days=91)
    aged(upload, days=91)
    kept = [
        aged(logs / f"{uuid4()}.log", days=89),
        aged(logs / "api.log", days=400),
        aged(owner / "runs" / "first" / "adapter.safetensors", days=400),
    ]

    forget_old(engine, tmp_path, now=datetime.now(UTC), days=90)

    assert not gone.exists()
    assert not upload.exists()
    assert all(path.exists() for path in kept)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        CREWTUNE_DATA_DIR=tmp_path / "data",
        CREWTUNE_MLRUNS_DIR=tmp_path / "mlruns",
    )


@pytest.fixture
def unsent(settings: Settings) -> Path:
    """Folder of a run that measured something while MLflow was away."""
    run = settings.data_dir / "workspaces" / "anna" / "runs" / uuid4().hex
    file = MetricsFile(run)
    file.append("loss", 0.5, 1)
    file.close()
    dataset = DatasetInput(name="colours", sha256="ab" * 32, rows=80, source="colours")
    note_unsent(run, RunDescription(name="r", params={}, tags={}, dataset=dataset), "FINISHED")
    return run


@pytest.fixture
def answers() -> list[bool]:
    """Whether MLflow answers: as long as there is something in it."""
    return []


@pytest.fixture
def housekeeping(settings: Settings, engine: Engine, answers: list[bool]) -> Iterator[Housekeeping]:
    settings = settings.model_copy(
        update={"database_url": engine.url.render_as_string(hide_password=False)}
    )
    made = Housekeeping(
        settings,
        engine,
        clock=utc_now,
        mlflow_answers=lambda: bool(answers),
        between_seconds=0.05,
    )
    made.start()
    yield made
    made.stop()


@pytest.mark.slow
def test_what_mlflow_missed_is_sent_once_it_answers(
    housekeeping: Housekeeping, unsent: Path, answers: list[bool], settings: Settings
) -> None:
    time.sleep(0.3)
    assert (unsent / "unsent.json").exists()

    answers.append(True)
    until_true(lambda: not (unsent / "unsent.json").exists())

    run_id = read_link(unsent).mlflow_run_id
    assert run_id is not None
    found = settings.tracking_store().client().get_metric_history(run_id, "loss")
    assert [(one.step, one.value) for one in found] == [(1, 0.5)]


def test_a_run_that_is_worked_on_is_left_to_its_worker(
    engine: Engine, jobs: JobStore, unsent: Path, settings: Settings
) -> None:
    payload = {"run": unsent.name}
    jobs.submit(NewJob(uuid4(), "train", payload, "a" * 64, queue="gpu"))
    assert idle_unsent(engine, settings.data_dir) == []

    job = jobs.claim("gpu", 1, {})
    assert job is not None
    assert idle_unsent(engine, settings.data_dir) == []

    jobs.finish(job.id, job.token, Ending(JobStatus.FAILED))
    assert idle_unsent(engine, settings.data_dir) == [unsent]


def test_a_run_that_is_compared_is_left_to_the_evaluation(
    engine: Engine, jobs: JobStore, unsent: Path, settings: Settings
) -> None:
    training, _ = jobs.submit(NewJob(uuid4(), "train", {"run": unsent.name}, "a" * 64, queue="gpu"))
    training = jobs.claim("gpu", 1, {}) or training
    jobs.finish(training.id, training.token, Ending(JobStatus.SUCCEEDED, result={}))
    assert idle_unsent(engine, settings.data_dir) == [unsent]

    payload = {"training": str(training.id)}
    jobs.submit(NewJob(uuid4(), "evaluate", payload, "b" * 64, queue="gpu"))

    assert idle_unsent(engine, settings.data_dir) == []
