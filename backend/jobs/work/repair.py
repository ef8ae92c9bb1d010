"""The jobs that repair a dataset, and that rehearse what a training would get from it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from backend.datasets import change_dataset, find_dataset
from backend.jobs.place import Place
from backend.jobs.requests import RehearseRequest, RepairRequest
from backend.tables.dataset import Dataset
from tools.data.audit_dataset import audit
from tools.data.data_policy import DataPolicy
from tools.data.make_fit import make_fit
from tools.data.repair import RemoveContaminated, Repair, Repaired, repair_all
from tools.data.version_record import history
from tools.errors import DatasetError


def do_repair(place: Place, engine: Engine) -> dict[str, Any]:
    """Let the dataset's name stand for the repaired version, or for an earlier one."""
    ask = RepairRequest.model_validate(place.asked)
    dataset = owned(place, engine, ask.dataset)
    policy = policy_of(place, engine, dataset)
    source = place.workspace.dataset(dataset.version)
    if ask.version is not None:
        done: tuple[Repaired, ...] = ()
        version = _earlier(place, source, ask.version)
    else:
        steps = policy.repairs() if ask.steps is None else _steps(place, engine, ask.steps)
        made = repair_all(source, steps, progress=place.progress)
        done, version = made.repairs, place.workspace.dataset(made.dataset)
    found = audit(version, policy, progress=place.progress)
    values = {
        "version": version.stem,
        "rows": found.rows,
        "audit": found.model_dump(mode="json"),
    }
    if not change_dataset(engine, place.job.owner_id, ask.dataset, values):
        raise DatasetError(f"The dataset {ask.dataset!r} was deleted in the meantime.")
    return {
        "dataset": ask.dataset,
        "before": dataset.version,
        "version": version.stem,
        "rows": found.rows,
        "rows_usable": found.rows_usable,
        "repairs": [one.model_dump(mode="json") for one in done],
    }


def do_rehearse(place: Place, engine: Engine) -> dict[str, Any]:
    """Return the repairs and the split that a training would begin with; nothing is changed."""
    ask = RehearseRequest.model_validate(place.asked)
    dataset = owned(place, engine, ask.dataset)
    source = place.workspace.dataset(dataset.version)
    report = make_fit(source, policy_of(place, engine, dataset), progress=place.progress)
    return report.model_dump(mode="json")


def owned(place: Place, engine: Engine, name: str) -> Dataset:
    """Return the job owner's dataset.

    Raises:
        DatasetError: There is none of that name.
    """
    dataset = find_dataset(engine, place.job.owner_id, name)
    if dataset is None:
        raise DatasetError(f"There is no dataset {name!r}. Import it first.")
    return dataset


def policy_of(place: Place, engine: Engine, dataset: Dataset) -> DataPolicy:
    """Return what the owner wants done with the dataset; benchmarks by their present versions.

    Raises:
        DatasetError: A benchmark is not one of the owner's datasets any more.
    """
    return with_versions(place, engine, DataPolicy.model_validate(dataset.policy))


def with_versions(place: Place, engine: Engine, policy: DataPolicy) -> DataPolicy:
    """Return `policy` with the versions that the names of its benchmarks stand for.

    Raises:
        DatasetError: A benchmark is not one of the owner's datasets.
    """
    versions = tuple(owned(place, engine, name).version for name in policy.benchmarks)
    return policy.model_copy(update={"benchmarks": versions})


def _steps(place: Place, engine: Engine, steps: Sequence[Repair]) -> list[Repair]:
    """Return `steps` with the versions that the names of benchmarks stand for."""
    return [
        RemoveContaminated(
            benchmarks=tuple(owned(place, engine, name).version for name in step.benchmarks)
        )
        if isinstance(step, RemoveContaminated)
        else step
        for step in steps
    ]


def _earlier(place: Place, current: Path, version: str) -> Path:
    """Return an earlier version of the dataset, never a version of another one."""
    if version not in {record.version for record in history(current.parent, current.stem)}:
        raise DatasetError(f"{version!r} is not an earlier version of this dataset.")
    return place.workspace.dataset(version)
