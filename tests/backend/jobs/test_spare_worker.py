"""A worker that has loaded everything waits for a training, and goes when none comes."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from backend.jobs.local_runner import LocalRunner
from backend.jobs.spare_worker import Order, SpareWorker
from backend.tables.job import JobStatus
from tests.backend.jobs.studio import Studio


@pytest.fixture
def spare(studio: Studio) -> Iterator[SpareWorker]:
    made = SpareWorker(studio.environment, idle_seconds=60)
    yield made
    if made._process is not None:
        made._process.kill()
        made._process.communicate()


def waiting(spare: SpareWorker) -> subprocess.Popen[str]:
    process = spare._process
    assert process is not None
    return process


@pytest.mark.slow
def test_a_training_after_a_recommendation_is_done_by_the_worker_that_waits(
    studio: Studio,
) -> None:
    logs = studio.settings.data_dir / "logs"
    studio.dispatcher.stop()
    studio.runner = LocalRunner(studio.environment, logs, idle_seconds=60)
    studio.dispatcher = studio.new_dispatcher()
    studio.dispatcher.start()
    studio.ended(studio.submit("recommend", model="tiny", dataset="colours"))
    ready = waiting(studio.runner._spare)

    job = studio.train(num_train_epochs=1)
    studio.until(lambda: bool(studio.see(job.id).worker))
    worker = studio.worker(job).pid
    job = studio.ended(job)

    assert job.status == JobStatus.SUCCEEDED
    assert worker == ready.pid
    assert ready.wait(20) == 0
    assert "Training tiny" in "".join(str(one.data) for one in studio.events(job.id, "log"))


@pytest.mark.slow
def test_a_worker_that_is_given_nothing_goes_by_itself(studio: Studio) -> None:
    spare = SpareWorker(studio.environment, idle_seconds=0.1)

    spare.expect()

    process = waiting(spare)
    assert process.wait(60) == 0
    assert spare.give(Order(uuid4(), 1), Path("none.log")) is None
    process.communicate()


def test_a_worker_goes_when_the_server_that_keeps_it_does(spare: SpareWorker) -> None:
    spare.expect()
    process = waiting(spare)
    assert process.stdin is not None

    process.stdin.close()

    assert process.wait(60) == 0


def test_there_is_one_that_waits_and_no_more(spare: SpareWorker) -> None:
    spare.expect()
    first = waiting(spare)

    spare.expect()

    assert waiting(spare) is first


def test_one_that_was_killed_is_not_given_a_job_and_leaves_no_zombie(spare: SpareWorker) -> None:
    spare.expect()
    process = waiting(spare)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    assert spare.give(Order(uuid4(), 1), Path("none.log")) is None
    assert not psutil.pid_exists(process.pid)


def test_without_a_time_to_wait_there_is_none(studio: Studio) -> None:
    spare = SpareWorker(studio.environment, idle_seconds=0)

    spare.expect()

    assert spare._process is None
