"""Models on this machine, and the search of the Hub, through HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from backend.database import open_database
from backend.jobs.orders import Ending
from backend.jobs.place import workspace_of
from backend.jobs.store import JobStore
from backend.migrate import migrate
from backend.samples import TINY
from backend.tables.job import JobStatus
from tests.backend.api import Api, Person
from tests.backend.routes.test_jobs import add_colours, train
from tests.listing_hub import LISTED, ListingHub, listing_hub


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the Hub's with nothing in it."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setattr("huggingface_hub.utils._cache_manager.HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ListingHub]:
    with listing_hub(monkeypatch) as started:
        yield started


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(f"sqlite:///{tmp_path / 'hub.db'}")
    migrate(opened)
    yield opened
    opened.dispose()


def add_model(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}", encoding="utf-8")
    (folder / "model.safetensors").write_bytes(b"0" * 10)


def models(api: Api, person: Person) -> list[dict[str, Any]]:
    answer = api.client.get("/api/models", headers=person.headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json())


def test_the_bundled_model_is_there_before_it_is_built(api: Api, ben: Person) -> None:
    [bundled] = models(api, ben)
    assert (bundled["name"], bundled["kind"], bundled["bytes"]) == (TINY, "bundled", None)

    add_model(api.settings.data_dir / "models" / TINY)

    assert [(one["name"], one["bytes"]) for one in models(api, ben)] == [(TINY, 10)]


def test_models_of_the_studio_are_everybodys_and_those_of_a_workspace_their_owners(
    api: Api, anna: Person, ben: Person
) -> None:
    add_model(api.settings.data_dir / "models" / "ours")
    workspace = workspace_of(api.settings, UUID(ben.id))
    add_model(workspace.models / "mine")
    (workspace.models / "half-copied").mkdir()

    for person, names in ((ben, {"mine", "ours"}), (anna, {"ours"})):
        local = {one["name"] for one in models(api, person) if one["kind"] == "local"}
        assert local == names


def test_what_was_trained_is_shown_to_its_owner_with_its_base(
    api: Api, anna: Person, ben: Person
) -> None:
    add_colours(api, ben)
    made = [train(api, ben).json()["id"] for _ in range(2)]
    store = JobStore(api.engine)
    for status in (JobStatus.FAILED, JobStatus.SUCCEEDED):
        job = store.claim("gpu", 9, {})
        assert job is not None
        store.finish(job.id, job.token, Ending(status, result={}))

    [tuned] = [one for one in models(api, ben) if one["kind"] == "tuned"]

    assert (tuned["name"], tuned["base"]) == ("tiny on colours", "tiny")
    assert tuned["job_id"] == made[1]
    assert "tuned" not in {one["kind"] for one in models(api, anna)}


def test_copies_of_the_hubs_models_are_listed_and_those_of_datasets_are_not(
    api: Api, ben: Person, cache: Path
) -> None:
    for kind in ("models", "datasets"):
        snapshot = cache / f"{kind}--org--small" / "snapshots" / ("0" * 40)
        snapshot.mkdir(parents=True)
        (snapshot / "config.json").write_bytes(b"{}")

    assert [(one["name"], one["bytes"]) for one in models(api, ben) if one["kind"] == "cached"] == [
        ("org/small", 2)
    ]


@pytest.mark.parametrize("kind", ["models", "datasets"])
def test_the_hub_is_searched_with_the_studios_token(
    engine: Engine, tmp_path: Path, hub: ListingHub, kind: str
) -> None:
    api = Api(engine, tmp_path, HF_ENDPOINT=hub.address, HF_TOKEN="hf_CANARY")
    anna = api.add_person("anna", "admin")

    answer = api.client.get(f"/api/hub/{kind}?query=small&limit=3", headers=anna.headers)

    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["found"]] == [LISTED["id"]]
    assert answer.json()["note"] is None
    assert hub.asked[0].startswith(f"/api/{kind}?")
    assert hub.signed == ["Bearer hf_CANARY"]
    assert "CANARY" not in answer.text


@pytest.mark.parametrize("body", [b"<html>", b"[{}]", None])
def test_with_the_hub_away_or_broken_what_is_here_is_found(
    engine: Engine, tmp_path: Path, hub: ListingHub, cache: Path, body: bytes | None
) -> None:
    hub.body = body or b""
    address = hub.address if body else "http://127.0.0.1:9"
    api = Api(engine, tmp_path, HF_ENDPOINT=address)
    anna = api.add_person("anna", "admin")
    for name in ("org--small", "org--other"):
        (cache / f"models--{name}" / "snapshots" / ("0" * 40)).mkdir(parents=True)

    answer = api.client.get("/api/hub/models?query=SMALL", headers=anna.headers)

    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["found"]] == ["org/small"]
    assert "cannot be reached" in answer.json()["note"]
