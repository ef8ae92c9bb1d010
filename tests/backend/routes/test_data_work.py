"""Work on data that is asked for through HTTP: it waits in the queue, or is refused at once."""

from typing import Any

import pytest

from tests.backend.api import Api, Person
from tests.backend.routes.test_jobs import add_colours


def ask(api: Api, person: Person, what: str, **body: Any) -> Any:
    return api.client.post(f"/api/data/{what}", json=body, headers=person.headers)


def pointers(answer: Any) -> list[str]:
    return [one["pointer"] for one in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("what", "body", "kind"),
    [
        ("inspections", {"sample": "refrigeration-requests"}, "inspect"),
        ("inspections", {"hub_id": "org/name", "revision": "main"}, "inspect"),
        ("repairs", {"dataset": "colours"}, "repair"),
        ("repairs", {"dataset": "colours", "steps": []}, "repair"),
        ("repairs", {"dataset": "colours", "steps": [{"kind": "deduplicate"}]}, "repair"),
        ("repairs", {"dataset": "colours", "version": "colours-0123456789ab"}, "repair"),
        ("rehearsals", {"dataset": "colours"}, "rehearse"),
        ("token-previews", {"model": "tiny", "dataset": "colours", "rows": [43]}, "preview"),
        ("token-previews", {"model": "tiny", "text": "Hello."}, "preview"),
    ],
)
def test_work_on_data_waits_in_the_queue(
    api: Api, ben: Person, what: str, body: dict[str, Any], kind: str
) -> None:
    add_colours(api, ben)

    answer = ask(api, ben, what, **body)

    job = answer.json()
    assert (answer.status_code, job["status"], job["kind"]) == (201, "queued", kind)
    assert job["request"].items() >= body.items()


@pytest.mark.parametrize(
    ("what", "body", "pointer"),
    [
        ("inspections", {}, ""),
        ("inspections", {"hub_id": "org/name", "sample": "refrigeration-requests"}, ""),
        ("inspections", {"hub_id": "../x"}, "/hub_id"),
        (
            "inspections",
            {"sample": "refrigeration-requests", "mapping": {"format": "soup", "columns": {}}},
            "/mapping/format",
        ),
        ("repairs", {"dataset": "colours", "steps": [], "version": "colours-0"}, ""),
        ("repairs", {"dataset": "colours", "steps": [{"kind": "burn"}]}, "/steps/0"),
        ("repairs", {"dataset": "colours", "steps": [{"kind": "clean", "steps": []}]}, "/steps/0"),
        ("repairs", {"dataset": "colours", "version": "../x"}, "/version"),
        ("rehearsals", {}, "/dataset"),
        ("token-previews", {"model": "tiny"}, ""),
        ("token-previews", {"model": "tiny", "dataset": "colours", "text": "x"}, ""),
        ("token-previews", {"model": "../x", "text": "x"}, "/model"),
        ("token-previews", {"model": "tiny", "text": "x", "max_length": 15}, "/max_length"),
        ("token-previews", {"model": "tiny", "dataset": "colours", "rows": [0]}, "/rows/0"),
        ("token-previews", {"model": "tiny", "text": "x", "chat_template": "y"}, "/chat_template"),
    ],
)
def test_work_on_data_that_cannot_be_done_is_refused_at_once(
    api: Api, ben: Person, what: str, body: dict[str, Any], pointer: str
) -> None:
    add_colours(api, ben)

    answer = ask(api, ben, what, **body)

    assert answer.status_code == 422
    assert all(one.startswith(pointer) for one in pointers(answer)), answer.text
    assert api.client.get("/api/jobs", headers=ben.headers).json()["jobs"] == []


@pytest.mark.parametrize(
    ("what", "body", "pointer"),
    [
        ("inspections", {"upload": "nonesuch"}, "/upload"),
        ("repairs", {"dataset": "nonesuch"}, "/dataset"),
        ("rehearsals", {"dataset": "nonesuch"}, "/dataset"),
        ("token-previews", {"model": "tiny", "dataset": "nonesuch"}, "/dataset"),
    ],
)
def test_work_on_what_is_not_there_is_refused(
    api: Api, ben: Person, what: str, body: dict[str, Any], pointer: str
) -> None:
    add_colours(api, ben)

    answer = ask(api, ben, what, **body)

    assert (answer.status_code, pointers(answer)) == (404, [pointer])


def test_a_viewer_starts_no_work(api: Api, vera: Person) -> None:
    add_colours(api, vera)

    for what in ("repairs", "rehearsals"):
        assert ask(api, vera, what, dataset="colours").status_code == 403
    assert ask(api, vera, "inspections", hub_id="org/name").status_code == 403
    assert ask(api, vera, "token-previews", model="tiny", text="x").status_code == 403
