"""Where a caller asks for work: what is named must be theirs, and becomes a job in its queue."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel

from backend.datasets import find_dataset
from backend.deps import Writer
from backend.errors import refused_field
from backend.jobs.public import Counter, IdempotencyKey, JobPublic
from backend.jobs.requests import Kind
from backend.owned import CounterDep, WorkspaceDep
from backend.tables.account import User
from tools.errors import DatasetError, WorkspaceError
from tools.workspace import Workspace


@dataclass(frozen=True)
class Desk:
    """Takes what one caller asks for, under the idempotency key of the request."""

    user: User
    workspace: Workspace
    counter: Counter
    key: str | None

    def need_dataset(self, name: str) -> None:
        """Refuse a dataset that the caller does not have.

        Raises:
            Refusal: 404.
        """
        if find_dataset(self.counter.store.engine, self.user.id, name) is None:
            detail = f"You have no dataset {name!r}. Add it first."
            raise refused_field("/dataset", "not_found", detail, status=404)

    def need_upload(self, name: str | None) -> None:
        """Refuse an upload that the caller has not sent.

        Raises:
            Refusal: 404.
        """
        if name is None:
            return
        try:
            self.workspace.upload(name)
        except (DatasetError, WorkspaceError) as error:
            raise refused_field("/upload", "not_found", str(error), status=404) from error

    def start(self, kind: Kind, request: BaseModel) -> JobPublic:
        """Put a job in its queue, or find the one that the idempotency key made before.

        Raises:
            Refusal: 409: the key was used for another request.
        """
        payload = request.model_dump(mode="json", exclude_none=True)
        return self.counter.start(self.user, kind, payload, self.key)


def get_desk(
    user: Writer,
    workspace: WorkspaceDep,
    counter: CounterDep,
    idempotency_key: IdempotencyKey = None,
) -> Desk:
    """Return where the caller asks for work."""
    return Desk(user, workspace, counter, idempotency_key)


DeskDep = Annotated[Desk, Depends(get_desk)]
