"""How a dataset version was made: beside each version lies a record of its last step.

The records of a version and of those before it are its recipe. The record of an import names the
source; every other one names the version it began with and what was done to it.

A step that changed nothing gives the version it began with, and so leaves no record.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from tools.errors import DatasetError
from tools.files import write_text

_MOST_STEPS = 1000


class VersionRecord(BaseModel):
    """The last step of how a version was made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    made_from: str | None = Field(description="The version before; none for an import.")
    step: dict[str, JsonValue] = Field(description="What was done, with its settings.")
    report: dict[str, JsonValue] = Field(description="What came of it, in numbers.")


def keep_record(folder: Path, record: VersionRecord) -> None:
    """Write `record` beside its version, unless the version is older than this step."""
    path = _path(folder, record.version)
    if record.version != record.made_from and not path.is_file():
        write_text(path, record.model_dump_json(indent=1))


def find_record(folder: Path, version: str) -> VersionRecord | None:
    """Return the record of `version`, or None for one from before records were kept.

    Raises:
        DatasetError: The record is damaged.
    """
    path = _path(folder, version)
    if not path.is_file():
        return None
    try:
        return VersionRecord.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise DatasetError(
            f"The record of the dataset version {version!r} is damaged. Import the dataset again."
        ) from error


def history(folder: Path, version: str) -> tuple[VersionRecord, ...]:
    """Return the records that lead to `version`, the import first.

    Raises:
        DatasetError: A record is damaged, or the records lead round in a circle.
    """
    return tuple(reversed([*_backwards(folder, version)]))


def _backwards(folder: Path, version: str | None) -> Iterator[VersionRecord]:
    for _ in range(_MOST_STEPS):
        record = find_record(folder, version) if version else None
        if record is None:
            return
        yield record
        version = record.made_from
    raise DatasetError("The records of this dataset have no beginning. Import it again.")


def _path(folder: Path, version: str) -> Path:
    return folder / f"{version}.record.json"
