"""Make a dataset version again from its records, and say whether the same rows came of it.

The name of a version is the hash of its rows, so equal names are the proof.

Not covered: an import from the Hub, whose files may have gone; its version is the beginning then.
"""

import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.counted import counted
from tools.data.repair import REPAIR, RemoveContaminated, repair
from tools.data.version_record import history
from tools.errors import DatasetError
from tools.progress import NoProgress, Progress


class ReplayReport(BaseModel):
    """What came of making a version again."""

    model_config = ConfigDict(frozen=True)

    version: str
    began_with: str = Field(description="The version of the import, which was taken as it is.")
    steps: int = Field(description="Steps that were done again.")
    same: bool = Field(description="Whether every step gave the same rows as before.")
    differs_at: str | None = Field(
        default=None, description="The first version that came out different."
    )


def replay(
    folder: Path, version: str, workspace: Path, *, progress: Progress | None = None
) -> ReplayReport:
    """Do the steps again that led to `version`, in the empty folder `workspace`.

    Args:
        folder: The folder of the dataset versions, which is only read.
        version: Name of a version.
        workspace: Where the versions are made again.
        progress: Is asked whether to stop.

    Raises:
        DatasetError: The version has no record, or the version of its import or a benchmark is
            missing.
    """
    records = history(folder, version)
    if not records:
        raise DatasetError(f"There is no record of how {version!r} was made. Import it again.")
    steps = [record for record in records if record.made_from is not None]
    first = steps[0].made_from if steps else version
    workspace.mkdir(parents=True, exist_ok=True)
    current = _copy(folder, str(first), workspace)
    for number, record in enumerate(steps, start=1):
        step = REPAIR.validate_python(record.step)
        if isinstance(step, RemoveContaminated):
            for benchmark in step.benchmarks:
                _copy(folder, benchmark, workspace)
        made = repair(current, step, progress=progress).dataset
        if made != record.version:
            return ReplayReport(
                version=version,
                began_with=str(first),
                steps=number,
                same=False,
                differs_at=record.version,
            )
        current = workspace / f"{made}.jsonl"
    done = counted(len(steps), "step")
    (progress or NoProgress()).log(f"{version} came out the same after {done}.")
    return ReplayReport(version=version, began_with=str(first), steps=len(steps), same=True)


def _copy(folder: Path, version: str, workspace: Path) -> Path:
    """Copy a version to `workspace`, unless it was made there, and return its file."""
    copied = workspace / f"{version}.jsonl"
    try:
        if not copied.is_file():
            shutil.copyfile(folder / copied.name, copied)
    except FileNotFoundError as error:
        raise DatasetError(
            f"The dataset version {version!r} is missing. Import it again."
        ) from error
    return copied
