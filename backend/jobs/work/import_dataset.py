"""The jobs that look at a source and import it."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from backend.datasets import find_dataset, keep_dataset
from backend.jobs.place import Place
from backend.jobs.requests import ImportRequest, InspectRequest
from backend.jobs.work.repair import with_versions
from backend.samples import REQUESTS
from tools.data.audit_dataset import audit
from tools.data.data_policy import DataPolicy
from tools.data.import_dataset import import_dataset
from tools.data.inspect_source import inspect_source
from tools.hub.fetch_dataset import HubDataset


def do_inspect(place: Place, _: Engine) -> dict[str, Any]:
    """Return how the first rows of a source would be imported."""
    ask = InspectRequest.model_validate(place.asked)
    found = inspect_source(_source(place, ask), layout=ask.mapping, token=place.token)
    return found.model_dump(mode="json")


def do_import(place: Place, engine: Engine) -> dict[str, Any]:
    """Import what was asked for, look for what is wrong with it, and give it its name."""
    ask = ImportRequest.model_validate(place.asked)
    report = import_dataset(
        _source(place, ask),
        place.workspace.datasets,
        layout=ask.mapping,
        token=place.token,
        progress=place.progress,
    )
    version = place.workspace.dataset(report.dataset)
    policy = ask.policy or _policy_so_far(place, engine, ask.name)
    found = audit(version, with_versions(place, engine, policy), progress=place.progress)
    dataset_id = keep_dataset(
        engine, place.job.owner_id, ask.name, imported=report, audit=found, policy=policy
    )
    return {"dataset_id": str(dataset_id), "name": ask.name, **report.model_dump(mode="json")}


def _policy_so_far(place: Place, engine: Engine, name: str) -> DataPolicy:
    """Return the policy of the dataset that is imported anew, or the usual one."""
    known = find_dataset(engine, place.job.owner_id, name)
    return DataPolicy.model_validate(known.policy if known else {})


def _source(place: Place, ask: InspectRequest | ImportRequest) -> Path | HubDataset:
    if ask.hub_id is not None:
        return HubDataset(id=ask.hub_id, config=ask.config, split=ask.split, revision=ask.revision)
    return place.workspace.upload(ask.upload) if ask.upload else Path(REQUESTS)
