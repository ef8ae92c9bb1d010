from pathlib import Path

import torch

from backend.jobs.failures import describe_failure
from tests.tools.training.full_disk import full_disk
from tools.errors import DiskError, TrainingError
from tools.training.guard_writing import guard_writing


def raised_on_a_full_disk(path: Path) -> BaseException:
    """Return what torch's word for a full disk comes to. It holds no number of an error."""
    try:
        with full_disk(), guard_writing(DiskError("The checkpoint cannot be written.")):
            torch.save({"layer": torch.zeros(10_000)}, path)
    except DiskError as error:
        return error
    raise AssertionError("It was written.")


def test_a_checkpoint_that_cannot_be_written_means_that_the_disk_is_full(tmp_path: Path) -> None:
    failure = describe_failure(raised_on_a_full_disk(tmp_path / "weights.pt"))

    assert (failure.code, failure.unexpected) == ("disk_full", False)
    assert failure.reason == "The checkpoint cannot be written."


def test_so_it_does_when_somebody_added_a_word(tmp_path: Path) -> None:
    error = TrainingError("The checkpoint cannot be written. Go on with the run.")
    error.__cause__ = raised_on_a_full_disk(tmp_path / "weights.pt")

    assert describe_failure(error).code == "disk_full"
    assert describe_failure(error).reason == str(error)


def test_a_full_disk_that_the_system_tells_of_is_one() -> None:
    assert describe_failure(OSError(28, "No space left on device")).code == "disk_full"
    assert describe_failure(OSError(13, "Permission denied")).code == "internal_error"
