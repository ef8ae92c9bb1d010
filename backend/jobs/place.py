"""Where a job works: its owner's workspace, the shared models, and the record in MLflow."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from backend.samples import TINY, build_tiny
from backend.settings import Settings
from backend.tables.job import Job, run_of
from tools.hub.resolve_model import ModelSource, resolve_model
from tools.progress import Progress
from tools.workspace import Workspace

OWNER_TAG = "crewtune.owner"  # of an MLflow run: who may see it


def workspace_of(settings: Settings, owner_id: UUID) -> Workspace:
    """Return the folder that holds everything of one owner."""
    root = settings.data_dir / "workspaces" / owner_id.hex
    return Workspace(root, shared_models=settings.data_dir / "models")


@dataclass(frozen=True)
class Place:
    """What one job works with."""

    job: Job
    settings: Settings
    workspace: Workspace
    progress: Progress

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for. The run that a resumed job goes on with is not part of it."""
        return {name: value for name, value in self.job.payload.items() if name != "run"}

    @property
    def run(self) -> Path:
        """Folder of the job's run."""
        return self.workspace.open_run(run_of(self.job))

    @property
    def token(self) -> str | None:
        """Access token of the Hub."""
        secret = self.settings.hf_token
        return secret.get_secret_value() if secret else None

    def model(self, name: str) -> ModelSource:
        """Return the model that `name` means here; the bundled one is built when it is asked for.

        Raises:
            ModelError: There is none, or it may not be loaded.
        """
        shared = Workspace(self.settings.data_dir).models
        if name == TINY and not (shared / TINY).exists():
            build_tiny(shared, self.progress)
        return resolve_model(
            name,
            workspace=self.workspace,
            token=self.token,
            endpoint=self.settings.hf_endpoint,
            progress=self.progress,
        )


def place_of(job: Job, settings: Settings, progress: Progress) -> Place:
    """Return where `job` works."""
    return Place(job, settings, workspace_of(settings, job.owner_id), progress)
