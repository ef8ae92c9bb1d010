"""The only place that makes a path from a name.

A workspace is a folder with `datasets/`, `models/` and `runs/`. Names come from people and from
language models, so a name is checked before it becomes a path, and a path never leaves the folder.
"""

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from tools.errors import DatasetError, ModelError, WorkspaceError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


def slug(text: str) -> str:
    """Return `text` as a name: lower case, dashes for everything else, at most 48 characters."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48].strip("-") or "unnamed"


class Workspace:
    """Turns names of datasets, models and runs into paths below `root`."""

    def __init__(self, root: Path, shared_models: Path | None = None) -> None:
        """Open the workspace `root`; models that are not in it are looked for in the other."""
        self.root = root.resolve()
        self._shared_models = shared_models

    @property
    def datasets(self) -> Path:
        """Folder of the dataset versions, one JSONL file each."""
        return self._folder("datasets")

    @property
    def models(self) -> Path:
        """Folder of the models made here."""
        return self._folder("models")

    @property
    def uploads(self) -> Path:
        """Folder of the files that were uploaded, each in a folder of its own."""
        return self._folder("uploads")

    def dataset(self, name: str) -> Path:
        """Return the file of the dataset version `name`.

        Raises:
            WorkspaceError: `name` is not a name.
            DatasetError: There is no such dataset.
        """
        path = self.datasets / f"{_checked(name, 'dataset')}.jsonl"
        if not path.is_file():
            raise DatasetError(f"There is no dataset {name!r}. Import it first.")
        return path

    def upload(self, name: str) -> Path:
        """Return the uploaded file `name`.

        Raises:
            WorkspaceError: `name` is not a name.
            DatasetError: There is no such upload.
        """
        folder = self.uploads / _checked(name, "upload")
        files = list(folder.iterdir()) if folder.is_dir() else []
        if len(files) != 1:
            raise DatasetError(f"There is no upload {name!r}. Send the file again.")
        return files[0]

    def model(self, name: str) -> Path:
        """Return the folder of the local model `name`.

        Raises:
            WorkspaceError: `name` is not a name.
            ModelError: There is no such model.
        """
        path = self.models / _checked(name, "model")
        if not path.is_dir() and self._shared_models is not None:
            path = self._shared_models.resolve() / name
        if not path.is_dir():
            raise ModelError(f"There is no local model {name!r}.")
        return path

    def run(self, run_id: str) -> Path:
        """Return the folder of an existing run.

        Raises:
            WorkspaceError: There is no such run, or `run_id` is not a name.
        """
        path = self._folder("runs") / _checked(run_id, "run")
        if not path.is_dir():
            raise WorkspaceError(f"There is no run {run_id!r}.")
        return path

    def new_run(self) -> Path:
        """Make the folder of a new run, named by the time and four random characters."""
        stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        path = self._folder("runs") / f"{stamp}-{secrets.token_hex(2)}"
        path.mkdir()
        return path

    def open_run(self, run_id: str) -> Path:
        """Return the folder of the run `run_id`, which is made when it is not there.

        Raises:
            WorkspaceError: `run_id` is not a name.
        """
        path = self._folder("runs") / _checked(run_id, "run")
        path.mkdir(exist_ok=True)
        return path

    def _folder(self, name: str) -> Path:
        path = self.root / name
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise WorkspaceError(
                f"The folder {name!r} of the workspace cannot be made: {error.strerror}."
            ) from error
        return path


def _checked(name: str, kind: str) -> str:
    if not _NAME.fullmatch(name) or ".." in name:
        raise WorkspaceError(
            f"{name[:80]!r} is not a {kind} name. Use letters, digits, dots, dashes and "
            "underscores, 96 characters at most."
        )
    return name
