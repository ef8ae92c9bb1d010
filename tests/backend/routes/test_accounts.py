"""Accounts over HTTP, from the first admin to the last sign-out."""

import json
import logging

import pytest
from starlette.testclient import TestClient

from backend.accounts.setup_code import ensure_setup_code
from backend.logs import without_secrets
from tests.backend.api import PASSWORD, Api, Person, bearer
from tests.backend.forge import read_claims


def post(api: Api, path: str, headers: dict[str, str] | None = None, **body: object) -> object:
    return api.client.post(path, json=body, headers=headers)


def test_from_the_setup_code_to_an_invited_viewer(api: Api) -> None:
    client = api.client
    assert client.get("/api/auth/registration").json() == {"setup_needed": True, "open": False}
    code = ensure_setup_code(api.engine)
    first = {"setup_code": code, "username": "Anna", "password": PASSWORD}
    assert client.post("/api/auth/setup", json=first).json()["role"] == "admin"
    assert client.get("/api/auth/registration").json() == {"setup_needed": False, "open": False}

    anna = api.sign_in("anna")
    invited = client.post("/api/invitations", json={"role": "viewer"}, headers=anna.headers).json()
    shown = client.get("/api/invitations", headers=anna.headers).json()
    assert shown == [{key: invited[key] for key in ("id", "role", "created_at", "expires_at")}]
    second = {"invitation_code": invited["code"], "username": "vera", "password": PASSWORD}
    assert client.post("/api/auth/register", json=second).status_code == 201

    users = client.get("/api/users", headers=anna.headers).json()
    assert [(user["username"], user["role"]) for user in users] == [
        ("anna", "admin"),
        ("vera", "viewer"),
    ]
    assert set(users[0]) == {"id", "username", "role", "active", "created_at"}


def test_registration_is_opened_and_closed_by_an_admin(api: Api, anna: Person) -> None:
    ben = {"username": "ben", "password": PASSWORD}
    assert api.client.post("/api/auth/register", json=ben).status_code == 403

    opened = api.client.put("/api/auth/registration", json={"open": True}, headers=anna.headers)

    assert opened.json() == {"setup_needed": False, "open": True}
    assert api.client.post("/api/auth/register", json=ben).json()["role"] == "member"
    api.client.put("/api/auth/registration", json={"open": False}, headers=anna.headers)
    eve = {"username": "eve", "password": PASSWORD}
    assert api.client.post("/api/auth/register", json=eve).status_code == 403


def test_a_session_is_refreshed_and_ended(api: Api, ben: Person) -> None:
    answer = api.client.post("/api/auth/refresh", json={"refresh_token": ben.refresh_token})
    pair = answer.json()
    assert set(pair) == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (pair["token_type"], pair["expires_in"]) == ("bearer", 900)

    out = api.client.post("/api/auth/sign-out", headers=bearer(pair["access_token"]))

    assert (out.status_code, out.content) == (204, b"")
    again = api.client.post("/api/auth/refresh", json={"refresh_token": pair["refresh_token"]})
    assert again.status_code == 401


def test_an_access_token_says_no_more_than_it_must(ben: Person) -> None:
    claims = read_claims(ben.access_token)

    assert set(claims) == {
        *("iss", "aud", "typ", "sub", "sid", "jti", "ver", "iat", "nbf", "exp"),
    }
    assert claims["sub"] == ben.id.replace("-", "")
    assert claims["exp"] - claims["iat"] == 900


def test_a_role_and_an_account_are_changed_by_an_admin(api: Api, anna: Person, ben: Person) -> None:
    path = f"/api/users/{ben.id}"
    asked = {"name": "a script", "scopes": ["write"]}
    assert api.client.patch(path, json={"role": "viewer"}, headers=anna.headers).status_code == 200
    assert api.client.get("/api/users/me", headers=ben.headers).json()["role"] == "viewer"
    assert api.client.post("/api/auth/api-keys", json=asked, headers=ben.headers).is_success

    closed = api.client.patch(path, json={"active": False}, headers=anna.headers)

    assert closed.json()["active"] is False
    assert api.client.get("/api/users/me", headers=ben.headers).status_code == 401


def test_every_answer_carries_safe_headers_and_an_id(api: Api, anna: Person) -> None:
    answers = [
        api.client.get("/health", headers={"Origin": "http://evil.example"}),
        api.client.get("/api/users/me", headers=anna.headers),
        api.client.get("/nowhere"),
        api.client.get("/health", headers={"Host": "evil.example"}),
        api.client.post("/api/auth/register", content=b"x" * 2**21),
        api.client.options("/api/auth/token", headers={"Origin": "http://evil.example"}),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 404, 400, 413, 405]
    for answer in answers:
        headers = answer.headers
        assert headers["content-security-policy"].startswith("default-src 'none'; frame-ancestors")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert len(headers["x-request-id"]) == 16
        assert "access-control-allow-origin" not in headers
        assert "set-cookie" not in headers
    for answer in answers[2:]:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_failure_of_ours_says_nothing_about_us(api: Api, anna: Person) -> None:
    api.app.state.accounts = None  # as after a bug

    answer = api.client.get("/api/users/me", headers=anna.headers)

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "NoneType" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_long_is_refused_however_it_is_sent(api: Api, chunked: bool) -> None:
    body = b'{"username":"' + b"a" * 2**21 + b'"}'
    content = (body[place : place + 4096] for place in range(0, len(body), 4096))
    headers = {"Content-Type": "application/json"}

    answer = api.client.post(
        "/api/auth/register", content=content if chunked else body, headers=headers
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_the_description_of_the_api_is_off_unless_it_is_turned_on(api: Api) -> None:
    for path in ("/docs", "/openapi.json", "/redoc"):
        assert api.client.get(path).status_code == 404

    shown = Api(api.engine, api.settings.data_dir, CREWTUNE_API_DOCS=True).client
    assert shown.get("/openapi.json").json()["info"]["title"] == "CrewTune"
    assert "cdn.jsdelivr.net" in shown.get("/docs").headers["content-security-policy"]


def test_hosts_are_set_by_name(api: Api) -> None:
    named = Api(
        api.engine, api.settings.data_dir, CREWTUNE_ALLOWED_HOSTS="studio.example, backend"
    ).app

    for host, status in (("studio.example", 200), ("backend:8000", 200), ("localhost", 400)):
        answer = TestClient(named, base_url=f"http://{host}").get("/health")
        assert answer.status_code == status


def test_passwords_tokens_and_keys_never_stand_in_logs_or_answers(
    api: Api, anna: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    guess = "a wrong but long guess"
    key = api.make_key(anna, "read")["key"]
    invitation = post(api, "/api/invitations", anna.headers).json()["code"]  # type: ignore[attr-defined]
    secrets = [PASSWORD, guess, key, invitation, anna.access_token, anna.refresh_token]
    extra = {"surprise": True}
    answers = [
        api.client.post("/api/auth/token", data={"username": "anna", "password": guess}),
        api.client.post("/api/auth/token", data={"username": "anna", "pass": guess}),
        api.client.post("/api/auth/token", json={"username": "anna", "password": guess}),
        *(
            post(api, path, headers, **body, **extra)
            for path, headers, body in (
                ("/api/auth/register", {}, {"username": "\u200b", "password": guess}),
                ("/api/auth/register", {}, {"invitation_code": invitation, "password": guess}),
                ("/api/auth/setup", {}, {"setup_code": invitation, "password": guess}),
                ("/api/auth/refresh", {}, {"refresh_token": anna.refresh_token}),
                ("/api/auth/refresh", {}, {"refresh_token": [anna.refresh_token]}),
                (
                    "/api/auth/password",
                    anna.headers,
                    {"current_password": guess, "new_password": [PASSWORD]},
                ),
            )
        ),
        api.client.get("/api/users/me", headers=bearer(key + "x")),
        api.client.get("/api/auth/api-keys", headers=anna.headers),
        api.client.get("/api/invitations", headers=anna.headers),
    ]
    api.app.state.accounts = None
    answers.append(api.client.get("/api/users/me", headers=anna.headers))

    seen = caplog.text + "".join(answer.text for answer in answers)
    assert "failed." in caplog.text  # the last one was logged, with its trace
    assert [secret for secret in secrets if secret in seen] == []


def test_what_looks_like_a_secret_is_starred_in_logs(api: Api, anna: Person) -> None:
    key = api.make_key(anna, "read")["key"]

    assert without_secrets(f"{key} and {anna.access_token}, refused") == "*** and ***, refused"


def test_the_openapi_document_names_every_refusal_as_a_problem(api: Api) -> None:
    described = api.app.openapi()

    for path, methods in described["paths"].items():
        for method, route in methods.items():
            assert route["summary"], (path, method)
            refusals = [code for code in route["responses"] if int(code) >= 400]
            for code in refusals:
                content = route["responses"][code]["content"]
                assert "application/problem+json" in content, (path, method, code)
            secured = bool(route.get("security"))
            assert secured == ("401" in refusals) or path in (
                "/api/auth/token",
                "/api/auth/refresh",
            ), (path, method)
    assert "password" not in json.dumps(described["paths"]["/api/users/me"])
