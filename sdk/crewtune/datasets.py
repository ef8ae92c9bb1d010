"""Datasets: send a file, add, list, look at rows, see what is wrong, delete."""

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import Field

from crewtune.accounts import User
from crewtune.calls import Calls, part
from crewtune.frozen import Frozen
from crewtune.jobs import Job


class Upload(Frozen):
    """A file that the studio received."""

    upload: str = Field(description="Give this to `add_dataset`.")
    bytes: int
    filename: str


class Dataset(Frozen):
    """A dataset of yours."""

    id: UUID
    name: str
    version: str
    source: str
    format: str
    rows: int
    created_at: datetime
    report: dict[str, Any] = Field(description="What the import read and left out.")


class Row(Frozen):
    """One row: what is said, and for a preference the two ways in which it could go on."""

    row: int = Field(description="Number of the row in the file it came from.")
    messages: tuple[dict[str, Any], ...] = ()
    chosen: tuple[dict[str, Any], ...] = ()
    rejected: tuple[dict[str, Any], ...] = ()


class RowPage(Frozen):
    """Some rows of a dataset."""

    rows: tuple[Row, ...]
    total: int


class Finding(Frozen):
    """One thing that is wrong with one row."""

    row: int
    field: str
    severity: str = Field(description="error or warning.")
    code: str
    message: str
    remedy: str


class ValidationReport(Frozen):
    """What is wrong with a dataset."""

    rows_checked: int
    rows_usable: int
    findings: tuple[Finding, ...] = Field(description="The first of them.")
    counts: dict[str, int] = Field(default_factory=dict, description="Findings of each code.")
    usable: bool = Field(description="Whether enough rows are usable.")


SAMPLE = "refrigeration-requests"  # comes with every studio, to try everything with


class _Counted(io.FileIO):
    """A file that tells how much of it was read."""

    def __init__(self, path: Path, on_progress: Callable[[int, int], None]) -> None:
        super().__init__(path)
        self._told = on_progress
        self._total = path.stat().st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, and tell."""
        chunk = super().read(-1 if size is None else size) or b""
        self._told(self.tell(), self._total)
        return chunk


def _not_told(_sent: int, _total: int) -> None:
    """Tell nobody."""


class DatasetCalls(Calls):
    """Datasets."""

    def upload(
        self, path: Path | str, *, on_progress: Callable[[int, int], None] | None = None
    ) -> Upload:
        """Send a data file, a piece at a time; `on_progress` gets the bytes sent and all of them.

        Raises:
            OSError: The file cannot be read.

        Example:
            sent = studio.upload("requests.jsonl", on_progress=lambda done, of: print(done, of))
            studio.add_dataset("requests", upload=sent.upload)
        """
        path = Path(path)
        with _Counted(path, on_progress or _not_told) as file:
            # Renews a sign-in that has ended, so that a large file need not be sent twice.
            self._connection.get(User, "/api/users/me")
            files = {"file": (path.name, file)}
            return self._connection.ask(Upload, "POST", "/api/uploads", files=files)

    def add_dataset(
        self,
        name: str,
        *,
        upload: str | None = None,
        hub_id: str | None = None,
        sample: str | None = None,
        config: str | None = None,
        split: str | None = None,
        revision: str | None = None,
    ) -> Job:
        """Import an uploaded file, a dataset of the Hub, or the sample `SAMPLE`, under `name`.

        Example:
            studio.wait(studio.add_dataset("dolly", hub_id="databricks/databricks-dolly-15k").id)
        """
        body = {
            "name": name,
            "upload": upload,
            "hub_id": hub_id,
            "sample": sample,
            "config": config,
            "split": split,
            "revision": revision,
        }
        return self._connection.start(Job, "/api/datasets", body)

    def datasets(self) -> list[Dataset]:
        """List your datasets by name."""
        return self._connection.get(list[Dataset], "/api/datasets")

    def dataset(self, name: str) -> Dataset:
        """Show one dataset."""
        return self._connection.get(Dataset, f"/api/datasets/{part(name)}")

    def rows(self, name: str, *, offset: int = 0, limit: int = 20) -> RowPage:
        """Look at rows."""
        path = f"/api/datasets/{part(name)}/rows"
        return self._connection.get(RowPage, path, offset=offset, limit=limit)

    def validation(self, name: str) -> ValidationReport:
        """Show what is wrong with a dataset, row by row."""
        return self._connection.get(ValidationReport, f"/api/datasets/{part(name)}/validation")

    def remove_dataset(self, name: str) -> None:
        """Delete a dataset. Rows that a run was made with stay with the run."""
        self._connection.send("DELETE", f"/api/datasets/{part(name)}", repeatable=True)
