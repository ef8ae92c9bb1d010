"""The API, or all of the product, is killed and started again."""

import signal

import pytest

from backend.tables.job import JobStatus
from tests.backend.faults.served import Served, alive
from tests.sdk.follower import Follower, every_number
from tests.sdk.real_studio import until

pytestmark = pytest.mark.prove


def test_f3_jobs_go_on_while_the_killed_api_is_away(served: Served) -> None:
    jobs = [served.train(num_train_epochs=100) for _ in range(2)]
    followers = [Follower(served.anna, job) for job in jobs]
    for job in jobs:
        served.at_step(job, 10)
    workers = {job: served.worker(job) for job in jobs}

    assert served.end(signal.SIGKILL) == -signal.SIGKILL
    assert all(worker.is_running() for worker in workers.values())
    served.start()

    still = {job: served.worker(job) for job in served.running()}
    assert still
    assert all(worker == workers[job] for job, worker in still.items())
    for job, follower in zip(jobs, followers, strict=True):
        ended = served.anna.wait(job, timeout_seconds=120)
        assert (ended.status, ended.attempt) == ("succeeded", 1)
        heard = follower.join()
        assert every_number(heard)
        assert heard == served.anna.events(job)


def test_f5_after_everything_was_killed_the_job_is_done_all_the_same(served: Served) -> None:
    job = served.train()
    served.at_step(job, 100)

    for process in [served.process, *served.processes()]:
        process.kill()
    served.api.wait(timeout=30)
    until(lambda: not served.processes())
    assert [one.status for one in served.running().values()] == [JobStatus.RUNNING]
    served.start()

    # The database says `running` of a job only while somebody does it.
    until(lambda: all(alive(served.worker(one)) for one in served.running()))
    ended = served.anna.wait(job, timeout_seconds=120)
    assert (ended.status, ended.attempt) == ("succeeded", 2)
    assert ended.result is not None
    assert ended.result["training"]["resumed_from_step"] > 0
    assert every_number(served.anna.events(job))
    until(lambda: [one.pid for one in served.processes()] == [served.api.pid])
