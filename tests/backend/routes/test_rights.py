"""Who may call what: every route there is, with and without a token, in every role."""

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from tests.backend.api import Api, Person, bearer

# All that answers without signing in.
PUBLIC = {
    "GET /health",
    "GET /ready",
    "GET /metrics",
    "GET /api/auth/registration",
    "POST /api/auth/setup",
    "POST /api/auth/register",
    "POST /api/auth/token",
    "POST /api/auth/refresh",
}
# What takes a person who signed in with a password, in any role. An API key may not.
OWN_ACCOUNT = {
    "POST /api/auth/sign-out",
    "POST /api/auth/sign-out-everywhere",
    "POST /api/auth/password",
    "GET /api/auth/api-keys",
    "POST /api/auth/api-keys",
    "DELETE /api/auth/api-keys/{key_id}",
}
# What takes an admin who signed in with a password.
ADMIN = {
    "PUT /api/auth/registration",
    "GET /api/users",
    "PATCH /api/users/{user_id}",
    "GET /api/invitations",
    "POST /api/invitations",
    "DELETE /api/invitations/{invitation_id}",
}
# All else: reading takes anyone or a key with `read`, the rest a member or a key with `write`.
EVERYONE = {"admin", "member", "viewer", "reading key", "writing key"}


def routes(app: FastAPI) -> Iterator[str]:
    for route in iter_route_contexts(app.routes):
        assert route.path is not None
        for method in sorted(route.methods or ()):
            yield f"{method} {route.path}"


def allowed(route: str) -> set[str]:
    if route in ADMIN:
        return {"admin"}
    if route in OWN_ACCOUNT:
        return {"admin", "member", "viewer"}
    if route.startswith("GET "):
        return EVERYONE - {"writing key"}
    return {"admin", "member", "writing key"}


def call(api: Api, route: str, headers: dict[str, str]) -> int:
    method, path = route.split(" ")
    return api.client.request(method, filled(path), headers=headers).status_code


def filled(path: str) -> str:
    return re.sub(r"\{\w+(:\w+)?\}", "00000000-0000-4000-8000-000000000000", path)


def test_the_lists_here_name_routes_that_exist(api: Api) -> None:
    assert set(routes(api.app)) >= PUBLIC | OWN_ACCOUNT | ADMIN


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer ct_guessed"}])
def test_without_signing_in_every_route_but_a_few_is_closed(
    api: Api, headers: dict[str, str]
) -> None:
    statuses = {route: call(api, route, headers) for route in routes(api.app)}

    closed = {route for route, status in statuses.items() if status == 401}
    assert set(statuses) - closed - PUBLIC == set()
    assert "GET /api/users/me" in closed


def test_without_signing_in_every_socket_is_closed(api: Api) -> None:
    sockets = [
        route.path
        for route in iter_route_contexts(api.app.routes)
        if not route.methods and route.path is not None
    ]

    assert sockets
    for path in sockets:
        with (
            pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
            api.client.websocket_connect(filled(path)) as socket,
        ):
            socket.receive_text()


def test_a_host_that_looks_like_a_path_opens_nothing(api: Api) -> None:
    for route in routes(api.app):
        for host in ("localhost/health?y=", "evil.example", ""):
            assert call(api, route, {"Host": host}) in (400, 401)


@pytest.mark.parametrize("who", sorted(EVERYONE))
def test_each_role_is_refused_what_it_may_not_do_and_nothing_else(
    api: Api, anna: Person, ben: Person, vera: Person, who: str
) -> None:
    def headers() -> dict[str, str]:
        if who == "reading key":
            return bearer(api.make_key(ben, "read")["key"])
        if who == "writing key":
            return bearer(api.make_key(ben, "write")["key"])
        name = {"admin": "anna", "member": "ben", "viewer": "vera"}[who]
        return api.sign_in(name).headers  # anew: some of the routes sign out

    for route in set(routes(api.app)) - PUBLIC:
        if "key" in who:
            ben = api.sign_in("ben")
        status = call(api, route, headers())
        assert (status == 403) == (who not in allowed(route)), (route, status)
        assert status != 500


def test_a_key_never_gives_more_than_its_owner_has(api: Api, anna: Person, vera: Person) -> None:
    for person in (anna, vera):
        key = bearer(api.make_key(person, "read", "write")["key"])

        assert api.client.get("/api/users/me", headers=key).json()["id"] == person.id
        for path in ("/api/auth/api-keys", "/api/invitations"):
            answer = api.client.post(path, json={"name": "x", "scopes": ["read"]}, headers=key)
            assert answer.status_code == 403
    assert call(api, "GET /api/users", key) == 403


def test_another_users_key_is_not_there(api: Api, anna: Person, ben: Person) -> None:
    key = api.make_key(ben, "read")
    random_id = "00000000-0000-4000-8000-000000000000"

    foreign, missing = (
        api.client.delete(f"/api/auth/api-keys/{one}", headers=anna.headers).json()
        for one in (key["id"], random_id)
    )

    for answer in (foreign, missing):
        del answer["instance"], answer["request_id"]
    assert foreign == missing
    assert foreign["status"] == 404
    assert call(api, "GET /api/users/me", bearer(key["key"])) == 200
