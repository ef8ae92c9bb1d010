"""What belongs to the caller: found here and nowhere else. What is another's does not exist."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path
from starlette.requests import HTTPConnection

from backend.database import reading
from backend.datasets import find_dataset
from backend.deps import CurrentUser, EngineDep, SettingsDep
from backend.errors import not_found
from backend.jobs.feed import Feed
from backend.jobs.place import workspace_of
from backend.jobs.public import Counter
from backend.jobs.queries import find_owned
from backend.jobs.requests import Name
from backend.tables.dataset import Dataset
from backend.tables.job import Job
from tools.workspace import Workspace


def get_owned_job(job_id: UUID, engine: EngineDep, user: CurrentUser) -> Job:
    """Return the caller's job, or answer 404."""
    with reading(engine) as connection:
        job = find_owned(connection, user.id, job_id)
    if job is None:
        raise not_found()
    return job


def get_owned_dataset(
    name: Annotated[Name, Path()], engine: EngineDep, user: CurrentUser
) -> Dataset:
    """Return the caller's dataset, or answer 404."""
    dataset = find_dataset(engine, user.id, name)
    if dataset is None:
        raise not_found()
    return dataset


def get_workspace(settings: SettingsDep, user: CurrentUser) -> Workspace:
    """Return the folder that holds everything of the caller."""
    return workspace_of(settings, user.id)


def get_counter(connection: HTTPConnection) -> Counter:
    """Return where jobs are asked for."""
    counter: Counter = connection.app.state.counter
    return counter


def get_feed(connection: HTTPConnection) -> Feed:
    """Return what hands out job events."""
    feed: Feed = connection.app.state.feed
    return feed


OwnedJob = Annotated[Job, Depends(get_owned_job)]
OwnedDataset = Annotated[Dataset, Depends(get_owned_dataset)]
WorkspaceDep = Annotated[Workspace, Depends(get_workspace)]
CounterDep = Annotated[Counter, Depends(get_counter)]
FeedDep = Annotated[Feed, Depends(get_feed)]
