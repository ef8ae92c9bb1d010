"""What is another's is not there: every route that names a thing, in path, query or body.

The routes and their fields are read from the application. A field that is in none of the lists here
fails a test, so that a new one gets its place in them before it is used.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from fastapi.routing import iter_route_contexts
from starlette.websockets import WebSocketDisconnect

from backend.database import open_database
from backend.jobs.orders import Ending
from backend.jobs.place import workspace_of
from backend.jobs.store import JobStore
from backend.migrate import migrate
from backend.tables.job import JobStatus
from tests.backend.api import Api, Person
from tests.backend.routes.test_jobs import add_colours
from tests.backend.routes.test_rights import ADMIN

NOBODYS = "00000000-0000-4000-8000-000000000000"
# Names a thing of one owner: in a path, a query or a body.
OWNED = {"dataset", "job_id", "key_id", "name", "run_id", "training", "upload"}
# Names what admins look after together.
OF_ADMINS = {"invitation_id", "user_id"}
# Names nothing that is kept here, or makes a new name.
PLAIN = {
    *("after", "before", "config", "goal", "hub_id", "kind", "limit", "metric", "model", "offset"),
    *("query", "recipe", "revision", "sample", "scopes", "seed", "shuffle_labels", "split"),
    *("active", "current_password", "file", "idempotency-key", "invitation_code", "last-event-id"),
    *(
        "new_password",
        "open",
        "password",
        "priority",
        "refresh_token",
        "role",
        "setup_code",
        "status",
    ),
    *("benchmarks", "chat_template", "cleaning", "code", "contaminated", "mapping", "marked"),
    *("max_length", "near_duplicates", "near_threshold", "policy", "privacy", "row", "rows"),
    *("scan", "severity", "steps", "text", "version"),
    *("client_id", "client_secret", "grant_type", "scope", "username"),
}
# In these bodies the field is a name that is given, not one that is looked up.
GIVES_A_NAME = {("POST /api/auth/api-keys", "name"), ("POST /api/datasets", "name")}
BODIES: dict[str, dict[str, Any]] = {
    "PATCH /api/users/{user_id}": {"active": True},
    "POST /api/crew-runs": {"model": "tiny", "goal": "sort requests"},
    "POST /api/data/inspections": {},
    "POST /api/data/rehearsals": {},
    "POST /api/data/repairs": {},
    "POST /api/data/token-previews": {"model": "tiny"},
    "POST /api/datasets": {"name": "mine"},
    "POST /api/datasets/{name}/changes": {"scan": "strict"},
    "PUT /api/datasets/{name}/policy": {"scan": "strict"},
    "POST /api/evaluations": {},
    "POST /api/trainings": {"model": "tiny"},
    "PUT /api/jobs/{job_id}/priority": {"priority": 0},
    "POST /api/trainings/recommendation": {"model": "tiny"},
}


class Field(NamedTuple):
    """Where a route is told a name."""

    route: str
    place: str
    name: str


def fields(api: Api) -> Iterator[Field]:
    document = api.app.openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            route = f"{method.upper()} {path}"
            for one in operation.get("parameters", ()):
                yield Field(route, one["in"], one["name"])
            for content in operation.get("requestBody", {}).get("content", {}).values():
                name = content["schema"]["$ref"].rpartition("/")[2]
                for one in document["components"]["schemas"][name]["properties"]:
                    yield Field(route, "body", one)


def naming(api: Api) -> list[Field]:
    """The fields that name a thing of somebody's, but for runs: those are MLflow's."""
    return [
        one
        for one in fields(api)
        if one.name in OWNED | OF_ADMINS
        and (one.route, one.name) not in GIVES_A_NAME
        and one.name != "run_id"
    ]


class Owner(NamedTuple):
    """Ben, and a thing of his of every kind, by the name of the field that names it."""

    api: Api
    ben: Person
    things: dict[str, str]


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    folder = tmp_path_factory.mktemp("owner")
    engine = open_database(f"sqlite:///{folder / 'api.db'}")
    migrate(engine)
    api = Api(engine, folder)
    anna = api.add_person("anna", "admin")
    ben = api.add_person("ben", "member")
    api.add_person("carl", "member")
    add_colours(api, ben)
    files = {"file": ("x.jsonl", b'{"a": 1}\n')}
    invited = api.client.post("/api/invitations", json={"role": "viewer"}, headers=anna.headers)
    things = {
        "dataset": "colours",
        "name": "colours",
        "training": ended(api, ben, "/api/trainings", JobStatus.SUCCEEDED, model="tiny"),
        "job_id": ended(api, ben, "/api/crew-runs", JobStatus.FAILED, model="tiny", goal="g"),
        "key_id": api.make_key(ben, "read")["id"],
        "upload": api.client.post("/api/uploads", files=files, headers=ben.headers).json()[
            "upload"
        ],
        "user_id": ben.id,
        "invitation_id": invited.json()["id"],
    }
    run = workspace_of(api.settings, UUID(ben.id)).open_run(UUID(things["job_id"]).hex)
    (run / "report.html").write_text("<p>Better.</p>", encoding="utf-8")
    yield Owner(api, ben, things)
    engine.dispose()


def ended(api: Api, ben: Person, path: str, status: JobStatus, **asked: str) -> str:
    body = {"dataset": "colours", **asked}
    made = api.client.post(path, json=body, headers=ben.headers).json()
    store = JobStore(api.engine)
    job = store.claim("gpu", 9, {})
    assert job is not None
    store.finish(job.id, job.token, Ending(status, result={}))
    return str(made["id"])


def call(owner: Owner, field: Field, thing: str, headers: dict[str, str]) -> tuple[int, str]:
    """Return status and body of the answer, without what differs from request to request."""
    method, path = field.route.split(" ")
    body = dict(BODIES.get(field.route, {}))
    if field.place == "path":
        path = path.replace(f"{{{field.name}}}", thing)
    elif field.place == "body":
        body[field.name] = thing
    answer = owner.api.client.request(method, path, json=body or None, headers=headers)
    said = {} if not answer.content else answer.json() if answer.status_code >= 400 else {}
    for own in ("instance", "request_id"):
        said.pop(own, None)
    return answer.status_code, json.dumps(said).replace(thing, "it")


def test_every_field_of_every_route_is_known_here(api: Api) -> None:
    found = {one.name for one in fields(api)}

    assert found - OWNED - OF_ADMINS - PLAIN == set()
    assert found >= OWNED | OF_ADMINS | PLAIN
    assert {one.route for one in naming(api) if one.place == "body"} <= set(BODIES)


def test_every_route_with_a_name_in_its_path_is_in_the_description(api: Api) -> None:
    described = {one.route.split(" ")[1] for one in fields(api) if one.place == "path"}
    served = {
        route.path
        for route in iter_route_contexts(api.app.routes)
        if route.path and "{" in route.path and route.methods
    }

    assert served == described


@pytest.mark.parametrize("who", ["anna", "carl"])
def test_another_users_thing_is_like_one_that_never_was(owner: Owner, who: str) -> None:
    headers = owner.api.sign_in(who).headers
    tried = naming(owner.api)

    assert len(tried) > 15
    for field in tried:
        if who == "anna" and field.name in OF_ADMINS:
            continue
        theirs = call(owner, field, owner.things[field.name], headers)
        nobodys = call(owner, field, NOBODYS, headers)

        assert theirs == nobodys, field
        assert theirs[0] == (403 if field.route in ADMIN else 404), field


def test_another_users_socket_is_like_one_that_never_was(owner: Owner) -> None:
    paths = [
        route.path
        for route in iter_route_contexts(owner.api.app.routes)
        if route.path and "{" in route.path and not route.methods
    ]
    token = owner.api.sign_in("anna").access_token

    assert paths == ["/api/jobs/{job_id}/ws"]
    for thing in (owner.things["job_id"], NOBODYS):
        path = paths[0].replace("{job_id}", thing)
        with owner.api.client.websocket_connect(f"ws://localhost{path}") as socket:
            socket.send_json({"token": token})
            with pytest.raises(WebSocketDisconnect) as closed:
                socket.receive_json()
        assert closed.value.code == 4404


def test_to_their_owner_all_of_these_things_are_there(owner: Owner) -> None:
    # What is deleted is deleted last.
    tried = sorted(naming(owner.api), key=lambda field: field.route.startswith("DELETE"))
    anna = owner.api.sign_in("anna")

    for field in tried:
        whose = anna if field.name in OF_ADMINS else owner.ben
        status, said = call(owner, field, owner.things[field.name], whose.headers)

        waits_no_more = "not_waiting" in said
        assert status in (200, 201, 204) or waits_no_more, (field, said)
