"""The job that imports a dataset."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from backend.datasets import keep_dataset
from backend.jobs.place import Place
from backend.jobs.requests import ImportRequest
from backend.samples import REQUESTS
from tools.data.import_dataset import import_dataset
from tools.data.validate_dataset import validate
from tools.hub.fetch_dataset import HubDataset


def do_import(place: Place, engine: Engine) -> dict[str, Any]:
    """Import what was asked for and give it its name."""
    ask = ImportRequest.model_validate(place.asked)
    if ask.hub_id is not None:
        source = HubDataset(
            id=ask.hub_id, config=ask.config, split=ask.split, revision=ask.revision
        )
        report = import_dataset(
            source, place.workspace.datasets, token=place.token, progress=place.progress
        )
    else:
        file = place.workspace.upload(ask.upload) if ask.upload else Path(REQUESTS)
        report = import_dataset(file, place.workspace.datasets, progress=place.progress)
    place.progress.log(f"Checking {report.rows_imported} rows.")
    checked = validate(place.workspace.dataset(report.dataset))
    dataset_id = keep_dataset(
        engine, place.job.owner_id, ask.name, imported=report, checked=checked
    )
    return {"dataset_id": str(dataset_id), "name": ask.name, **report.model_dump(mode="json")}
