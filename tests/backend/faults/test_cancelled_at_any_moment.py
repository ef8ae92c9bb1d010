"""A training is cancelled at any moment: it ends once, and what it kept is whole."""

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from backend.jobs.kinds import work_of
from backend.jobs.place import place_of
from backend.jobs.reporter import Reporter
from backend.jobs.worker import do, end
from backend.tables.job import Job
from tests.backend.faults.served import Served
from tests.backend.jobs.studio import Studio
from tests.sdk.follower import every_number
from tests.sdk.real_studio import until
from tools.training.checkpoints import MANIFEST, Manifest, damage

pytestmark = pytest.mark.prove

SHORT = {"num_train_epochs": 2, "per_device_train_batch_size": 4, "learning_rate": 1e-3}
ANYWHERE, SAVING, LAST_STEP = "anywhere", "while it saves", "around the last step"


@dataclass(frozen=True)
class Moment:
    """When to cancel: at a share of the whole time, or so long after what is waited for."""

    what: str
    share: float
    checkpoint: int = 0

    def __str__(self) -> str:
        return f"{self.what} {self.checkpoint or ''} {self.share:.2f}"


def moments(seed: int) -> list[Moment]:
    chance = random.Random(seed)
    return [
        *(Moment(ANYWHERE, (part + chance.random()) / 8) for part in range(9)),
        *(Moment(SAVING, chance.uniform(0, 0.02), chance.randint(1, 9)) for _ in range(4)),
        *(Moment(LAST_STEP, chance.uniform(0, 0.15)) for _ in range(4)),
    ]


class Watched(Reporter):
    """A reporter that hears of a cancellation at once, and knows when the last steps come."""

    def __init__(self, studio: Studio, job: Job) -> None:
        super().__init__(studio.store, job.id, job.token, lost=lost, between_seconds=0.01)
        self.last_steps = threading.Event()

    def percent(self, done: float, seconds_left: float | None = None) -> None:
        super().percent(done, seconds_left)
        if done >= 95:
            self.last_steps.set()


def lost() -> None:
    raise AssertionError("Nobody took the job away.")


class Bench:
    """Does jobs in this process as a worker does in its own."""

    def __init__(self, folder: Path, tiny_model: Path) -> None:
        self.studio = Studio(folder, tiny_model)
        self.studio.add_colours()
        self.work(self.studio.train(**SHORT))  # loads the libraries
        since = time.monotonic()
        whole = self.work(self.studio.train(**SHORT))
        self.seconds = time.monotonic() - since
        self.adapter = adapter(whole)

    def work(self, job: Job, moment: Moment | None = None) -> Job:
        """Do the job's work, cancel it at the moment, and return it when it has ended."""
        studio = self.studio
        held = studio.store.claim("gpu", 99, {})
        assert held is not None
        assert held.id == job.id
        reporter = Watched(studio, held)
        canceller = threading.Thread(target=self._cancel, args=(held, reporter, moment))
        reporter.start()
        canceller.start()
        place = place_of(held, studio.settings, reporter)
        ending = do(held, reporter, lambda: work_of("train")(place, studio.engine))
        reporter.close()
        assert end(studio.store, held, ending) == 0
        # One that has ended hears it too, and stays as it is.
        reporter.last_steps.set()
        canceller.join()
        return studio.see(job.id)

    def _cancel(self, job: Job, reporter: Watched, moment: Moment | None) -> None:
        if moment is None:
            return
        if moment.what == SAVING:
            self._wait_for_saving(job, moment.checkpoint, reporter)
        elif moment.what == LAST_STEP:
            reporter.last_steps.wait()
        time.sleep(moment.share * self.seconds)
        self.studio.store.cancel(job.id)

    def _wait_for_saving(self, job: Job, number: int, reporter: Watched) -> None:
        seen: set[str] = set()
        while len(seen) < number and not reporter.last_steps.is_set():
            seen |= {path.name for path in self.checkpoints(job).glob(".writing/checkpoint-*")}
            time.sleep(0.0005)

    def checkpoints(self, job: Job) -> Path:
        run = str(job.payload.get("run") or job.id.hex)
        return self.studio.workspace.root / "runs" / run / "checkpoints"


def adapter(job: Job) -> str:
    assert (job.status, job.error) == ("succeeded", None)
    assert job.result is not None
    return str(job.result["training"]["adapter_sha256"])


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("bench"), tiny_model)
    yield made
    made.studio.close()


@pytest.mark.parametrize("moment", moments(seed=16), ids=str)
def test_f16_it_ends_once_and_can_be_resumed(bench: Bench, moment: Moment) -> None:
    studio = bench.studio
    job = bench.work(studio.train(**SHORT), moment)

    events = studio.events(job.id)
    assert [event.type for event in events if event.final] == [job.status]
    assert events[-1].final
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    if job.status == "succeeded":
        assert adapter(job) == bench.adapter
        return
    assert job.status == "cancelled"
    kept = bench.checkpoints(job)
    # Stopping saved one, and none that has a place is less than whole.
    assert {problem(path) for path in kept.glob("checkpoint-*")} == {None}
    # The same as of a training that nobody stopped.
    assert adapter(bench.work(studio.submit("train", **job.payload, run=job.id.hex))) == (
        bench.adapter
    )


def problem(checkpoint: Path) -> str | None:
    manifest = Manifest.model_validate_json((checkpoint / MANIFEST).read_text(encoding="utf-8"))
    return damage(checkpoint, manifest.fingerprint)


def test_f16_no_process_is_left_of_one(served: Served) -> None:
    """At its start, while the libraries are loaded, in the middle, and at the end."""
    chance = random.Random(16)
    moments = [0.0, chance.uniform(1, 6), chance.uniform(20, 60), 97.0]
    jobs = [served.train(num_train_epochs=10) for _ in moments]
    cancellers = [
        threading.Thread(target=cancel, args=(served, *one))
        for one in zip(jobs, moments, strict=True)
    ]
    for canceller in cancellers:
        canceller.start()

    for job in jobs:
        ended = served.anna.wait(job, timeout_seconds=180)
        events = served.anna.events(job)
        assert ended.status in ("cancelled", "succeeded")
        assert [event.type for event in events if event.final] == [ended.status]
        assert every_number(events)
    for canceller in cancellers:
        canceller.join()
    until(lambda: [one.pid for one in served.processes()] == [served.api.pid])


def cancel(served: Served, job: UUID, moment: float) -> None:
    """Cancel a running job so many seconds after its start, or from 10 on, at that percent."""
    until(lambda: served.anna.job(job).attempt == 1, seconds=120)
    if moment < 10:
        time.sleep(moment)
    else:
        until(lambda: served.anna.job(job).percent >= moment or served.anna.job(job).ended, 120)
    served.anna.cancel(job)
