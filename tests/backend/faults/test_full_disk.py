"""A disk is full: the system refuses to let the files of a running process grow."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from crewtune import ApiError
from tests.backend.faults.served import Served
from tests.sdk.real_studio import until
from tools.training.checkpoints import MANIFEST, Manifest, damage

pytestmark = pytest.mark.prove

KIB = 1 << 10
# Its optimiser's state is larger than the database and its log ever are in these tests.
LARGE = {"r": 512}


@contextmanager
def full_disk(process: psutil.Process, most_bytes: int) -> Iterator[None]:
    """Let no file of that process grow beyond so many bytes in the block."""
    soft, hard = process.rlimit(psutil.RLIMIT_FSIZE)
    process.rlimit(psutil.RLIMIT_FSIZE, (most_bytes, hard))
    try:
        yield
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, (soft, hard))


def integrity(served: Served) -> str:
    with closing(sqlite3.connect(served.settings.data_dir / "studio.db")) as database:
        return str(database.execute("PRAGMA integrity_check").fetchone()[0])


def uploads(served: Served) -> set[Path]:
    return set(served.settings.data_dir.glob("workspaces/*/uploads/*"))


# Of the smaller file the target cannot be written, of the larger one not even what is received.
@pytest.mark.parametrize(("kib", "most_kib"), [(900, 600), (9000, 3000)])
def test_f7_an_upload_that_there_is_no_room_for_is_refused_and_leaves_nothing(
    served: Served, tmp_path: Path, kib: int, most_kib: int
) -> None:
    large = tmp_path / "large.jsonl"
    large.write_bytes(b'{"prompt": "a", "completion": "b"}\n' * (kib * KIB // 36))
    before = uploads(served)

    with full_disk(served.process, most_kib * KIB):
        with pytest.raises(ApiError) as refused:
            served.anna.upload(large)
        assert served.anna.datasets()

    assert (refused.value.status, refused.value.code) == (507, "disk_full")
    assert uploads(served) == before
    assert integrity(served) == "ok"
    assert served.anna.upload(large).bytes == large.stat().st_size


def test_f7_a_job_that_cannot_be_written_is_refused_and_the_database_is_sound(
    served: Served,
) -> None:
    before = served.anna.jobs()

    with full_disk(served.process, 4 * KIB):
        with pytest.raises(ApiError) as refused:
            served.anna.add_dataset("more", hub_id="nobody/nothing")
        assert served.anna.jobs() == before

    assert refused.value.status in (503, 507)
    assert integrity(served) == "ok"
    job = served.anna.add_dataset("more", hub_id="nobody/nothing")
    assert served.anna.cancel(job.id).id == job.id


def checkpoints(served: Served, job_id: UUID) -> dict[str, str | None]:
    """Return every checkpoint that passes for whole, and what is wrong with it."""
    run = served.settings.data_dir / "workspaces" / served.owner.hex / "runs" / job_id.hex
    found = {}
    for path in run.glob(f"checkpoints/checkpoint-*/{MANIFEST}"):
        manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
        found[path.parent.name] = damage(path.parent, manifest.fingerprint)
    return found


def test_f7_a_training_fails_at_a_checkpoint_and_is_resumed_from_the_one_before(
    served: Served,
) -> None:
    job = served.train(**LARGE)
    until(lambda: checkpoints(served, job), seconds=120)

    with full_disk(served.worker(job), 4300 * KIB):
        failed = served.anna.wait(job, timeout_seconds=60)

    assert failed.error is not None
    assert (failed.status, failed.error.code) == ("failed", "disk_full")
    assert "the one before it is intact" in failed.error.reason
    kept = checkpoints(served, job)
    assert kept
    assert set(kept.values()) == {None}
    resumed = served.anna.wait(served.anna.resume(job).id, timeout_seconds=120)
    assert resumed.succeeded, resumed.error
    assert resumed.result is not None
    assert f"checkpoint-{resumed.result['training']['resumed_from_step']}" in kept
