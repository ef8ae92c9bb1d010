from typing import Any

import pytest

from backend.jobs.store import JobStore
from tests.backend.api import Api, Person
from tests.backend.routes.test_jobs import add_colours, claim, train


@pytest.fixture
def store(api: Api) -> JobStore:
    return JobStore(api.engine)


@pytest.fixture
def waiting(api: Api, ben: Person) -> str:
    """The id of a job of Ben's that waits."""
    add_colours(api, ben)
    return str(train(api, ben).json()["id"])


def prioritise(api: Api, person: Person, job_id: str, priority: Any) -> Any:
    path, body = f"/api/jobs/{job_id}/priority", {"priority": priority}
    return api.client.put(path, json=body, headers=person.headers)


def test_a_waiting_job_is_moved_back_by_its_owner(
    api: Api, ben: Person, waiting: str, store: JobStore
) -> None:
    later = train(api, ben).json()["id"]

    moved = prioritise(api, ben, waiting, -1)

    assert (moved.status_code, moved.json()["priority"], moved.json()["position"]) == (200, -1, 1)
    assert str(claim(store).id) == later
    assert str(claim(store).id) == waiting


def test_only_an_admin_goes_before_the_others(
    api: Api, anna: Person, ben: Person, waiting: str
) -> None:
    add_colours(api, anna)
    own = train(api, anna).json()["id"]

    refused = prioritise(api, ben, waiting, 1)
    moved = prioritise(api, anna, own, 10)

    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (403, "/priority")
    assert moved.json()["position"] == 0


def test_a_job_that_runs_is_not_moved(api: Api, ben: Person, waiting: str, store: JobStore) -> None:
    claim(store)

    refused = prioritise(api, ben, waiting, -1)

    assert (refused.status_code, refused.json()["code"]) == (409, "not_waiting")


@pytest.mark.parametrize("priority", [11, -11, 0.5, "1", True, None])
def test_a_priority_is_a_small_number(api: Api, ben: Person, waiting: str, priority: Any) -> None:
    assert prioritise(api, ben, waiting, priority).status_code == 422
