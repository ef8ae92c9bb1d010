"""Datasets: send a file, inspect, add, list, look at rows, see what is wrong, repair, delete."""

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict, Unpack

from crewtune.accounts import User
from crewtune.calls import Calls, part
from crewtune.data_models import (
    Audit,
    Card,
    Change,
    Dataset,
    FindingPage,
    RowPage,
    Upload,
    Version,
)
from crewtune.jobs import Job

SAMPLE = "refrigeration-requests"  # comes with every studio, to try everything with


class Source(TypedDict, total=False):
    """Where rows come from: an uploaded file, a dataset of the Hub, or the sample.

    Args:
        upload: A file that was sent.
        hub_id: A dataset of the Hub.
        sample: The sample `SAMPLE`.
        config: Configuration of a Hub dataset.
        split: Its split.
        revision: Its branch, tag or commit.
        mapping: A format and its columns, where they are not recognised.
    """

    upload: str | None
    hub_id: str | None
    sample: str | None
    config: str | None
    split: str | None
    revision: str | None
    mapping: Mapping[str, Any] | None


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

    def inspect(self, **source: Unpack[Source]) -> Job:
        """See how the first rows of a source would be imported; `Source` says how it is given."""
        return self._connection.start(Job, "/api/data/inspections", {**source})

    def add_dataset(
        self, name: str, *, policy: Mapping[str, Any] | None = None, **source: Unpack[Source]
    ) -> Job:
        """Import a source under `name`; `Source` says how it is given.

        Args:
            name: What to call it.
            policy: What is to be done with what is found in it.
            source: One of `upload`, `hub_id` and `sample`, and what says more about it.

        Example:
            studio.wait(studio.add_dataset("dolly", hub_id="databricks/databricks-dolly-15k").id)
        """
        body = {"name": name, "policy": policy, **source}
        return self._connection.start(Job, "/api/datasets", body)

    def datasets(self) -> list[Dataset]:
        """List your datasets by name."""
        return self._connection.get(list[Dataset], "/api/datasets")

    def dataset(self, name: str) -> Dataset:
        """Show one dataset."""
        return self._connection.get(Dataset, f"/api/datasets/{part(name)}")

    def rows(
        self, name: str, *, offset: int = 0, limit: int = 20, row: int | None = None
    ) -> RowPage:
        """Look at rows: those after the first `offset`, or the one with the number `row`."""
        path = f"/api/datasets/{part(name)}/rows"
        return self._connection.get(RowPage, path, offset=offset, limit=limit, row=row)

    def audit(self, name: str) -> Audit:
        """Show everything that was found in a dataset."""
        return self._connection.get(Audit, f"/api/datasets/{part(name)}/audit")

    def findings(
        self,
        name: str,
        *,
        code: str | None = None,
        severity: str | None = None,
        row: int | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> FindingPage:
        """Show what is wrong, row by row, with the filters that are given."""
        path = f"/api/datasets/{part(name)}/findings"
        filters = {"code": code, "severity": severity, "row": row}
        return self._connection.get(FindingPage, path, offset=offset, limit=limit, **filters)

    def versions(self, name: str) -> list[Version]:
        """Show how a dataset was made, from its import to its present version."""
        return self._connection.get(list[Version], f"/api/datasets/{part(name)}/versions")

    def card(self, name: str) -> str:
        """Return the card of a dataset, in Markdown."""
        return self._connection.get(Card, f"/api/datasets/{part(name)}/card").markdown

    def set_policy(self, name: str, policy: Mapping[str, Any]) -> Dataset:
        """Say what is to be done with what is found in a dataset."""
        path = f"/api/datasets/{part(name)}/policy"
        return self._connection.ask(Dataset, "PUT", path, json=dict(policy))

    def changes(self, name: str, policy: Mapping[str, Any]) -> list[Change]:
        """See the first rows that the cleaning and privacy of a policy would change."""
        path = f"/api/datasets/{part(name)}/changes"
        return self._connection.ask(list[Change], "POST", path, json=dict(policy))

    def repair(
        self,
        name: str,
        *,
        steps: Sequence[Mapping[str, Any]] | None = None,
        version: str | None = None,
    ) -> Job:
        """Repair a dataset: by its policy, by `steps`, or by going back to an earlier `version`.

        Example:
            studio.wait(studio.repair("requests", steps=[{"kind": "deduplicate"}]).id)
        """
        body = {"dataset": name, "steps": steps, "version": version}
        return self._connection.start(Job, "/api/data/repairs", body)

    def rehearse(self, name: str) -> Job:
        """See the repairs and the split that a training would begin with."""
        return self._connection.start(Job, "/api/data/rehearsals", {"dataset": name})

    def preview_tokens(
        self,
        model: str,
        *,
        dataset: str | None = None,
        rows: Sequence[int] = (),
        text: str | None = None,
        max_length: int | None = None,
        chat_template: str | None = None,
    ) -> Job:
        """See rows of a dataset, or a text, as tokens, and which of them a training learns."""
        body = {
            "model": model,
            "dataset": dataset,
            "rows": list(rows) or None,
            "text": text,
            "max_length": max_length,
            "chat_template": chat_template,
        }
        return self._connection.start(Job, "/api/data/token-previews", body)

    def remove_dataset(self, name: str) -> None:
        """Delete a dataset. Rows that a run was made with stay with the run."""
        self._connection.send("DELETE", f"/api/datasets/{part(name)}", repeatable=True)
