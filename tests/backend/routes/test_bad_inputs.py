"""The rows of bad_inputs.yaml, each against the real API."""

import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from httpx2 import Response
from sqlalchemy import func, select

from backend.database import reading
from backend.tables import ApiKey, Invitation, User
from tests.backend.api import Api, Person
from tests.backend.forge import claims, sign, sign_text

HEADER = '{"alg":"HS256","typ":"JWT"}'
NESTED = urlsafe_b64encode(b'{"alg":"HS256","a":' + b"[" * 1000 + b"]" * 1000 + b"}").decode()
FORGED: dict[str, Callable[[dict[str, Any]], str]] = {
    "nested header": lambda good: f"{NESTED}.e30.AA",
    "critical header": lambda good: sign(good, {"crit": ["x"], "x": 1}),
    "address of keys": lambda good: sign(good, {"jku": "http://127.0.0.1:9/"}),
    "infinite end": lambda good: sign_text(
        HEADER, json.dumps(good).replace(f'"exp": {good["exp"]}', '"exp": 1e400')
    ),
    "no end": lambda good: sign({name: good[name] for name in good if name != "exp"}),
    "end in text": lambda good: sign({**good, "exp": "99999999999"}),
    "issued later": lambda good: sign({**good, "iat": good["iat"] + 600}),
}


class _Loader(yaml.SafeLoader):
    """Reads the table's tags as functions of who sends."""


def _repeat(loader: _Loader, node: yaml.SequenceNode) -> str:
    text, times, *around = loader.construct_sequence(node)
    before, after = [*around, "", ""][:2]
    return str(before) + str(text) * int(times) + str(after)


def _forged(loader: _Loader, node: yaml.ScalarNode) -> Callable[[Api, Person], str]:
    forge = FORGED[str(loader.construct_scalar(node))]
    return lambda api, person: f"Bearer {forge(claims(api.clock, person))}"


def _of(loader: _Loader, node: yaml.ScalarNode) -> Callable[[Api, Person], str]:
    template = str(loader.construct_scalar(node))

    def fill(api: Api, person: Person) -> str:
        known = {"access": person.access_token, "refresh": person.refresh_token, "id": person.id}
        return known.get(template) or template.format(**known)

    return fill


_Loader.add_constructor("!repeat", _repeat)
_Loader.add_constructor("!forged", _forged)
_Loader.add_constructor("!of", _of)

TABLE = Path(__file__).parents[1] / "bad_inputs.yaml"
with TABLE.open(encoding="utf-8") as opened:
    ROWS = yaml.load(opened, _Loader)


def filled(value: Any, api: Api, person: Person) -> Any:
    """Return `value` with what only a person has."""
    if callable(value):
        return value(api, person)
    if isinstance(value, dict):
        return {name: filled(one, api, person) for name, one in value.items()}
    return value


def send(api: Api, row: dict[str, Any], people: dict[str, Person]) -> Response:
    """Send what a row says, in the name of Ben unless it says otherwise."""
    request = filled(row["send"], api, people["ben"])
    signed = people[request.get("as", "ben")].headers
    headers = list(request.get("headers", signed).items())
    if "twice" in request:
        headers += [(name, value) for name, value in headers if name == request["twice"]]
    if "type" in request:
        headers.append(("Content-Type", request["type"]))
    body = request.get("body")
    return api.client.request(
        request["method"],
        request["path"],
        headers=headers,
        content=body.encode() if isinstance(body, str) else body,
        json=request.get("json"),
        data=request.get("form"),
    )


def check(answer: Response, expect: dict[str, Any]) -> None:
    """The status, the shape of a problem, its code and where it is."""
    assert answer.status_code == expect["status"], answer.text
    if answer.is_success:
        return
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert set(problem) == {
        *("type", "title", "status", "detail", "code", "instance", "request_id", "errors"),
    }
    assert expect["code"] in {problem["code"], *(one["code"] for one in problem["errors"])}
    assert {one["pointer"] for one in problem["errors"]} >= set(expect.get("pointers", []))
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    if answer.status_code == 429:
        assert 0 < int(answer.headers["retry-after"]) <= 900


def rows_kept(api: Api) -> list[int | None]:
    with reading(api.engine) as connection:
        tables = (User, ApiKey, Invitation)
        return [connection.scalar(select(func.count()).select_from(table)) for table in tables]


@pytest.fixture
def people(api: Api, anna: Person, ben: Person) -> dict[str, Person]:
    api.client.put("/api/auth/registration", json={"open": True}, headers=anna.headers)
    return {"anna": anna, "ben": ben}


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_what_should_not_be_sent_is_refused(
    api: Api, people: dict[str, Person], row: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for step in row.get("steps", []):
        for _ in range(step.get("times", 1)):
            check(send(api, step, people), step["expect"])
    before = rows_kept(api)

    answer = send(api, row, people)

    check(answer, row["expect"])
    assert rows_kept(api) == before
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
    given = row["send"]
    for secret in secrets_of({**given.get("json", {}), **given.get("form", {})}):
        assert secret not in answer.text + caplog.text


def secrets_of(fields: dict[str, Any]) -> list[str]:
    long = {name: value for name, value in fields.items() if len(str(value)) >= 8}
    return [value for name, value in long.items() if "pass" in name and isinstance(value, str)]


def test_every_bad_token_gets_the_same_answer(api: Api, people: dict[str, Person]) -> None:
    answers = []
    for row in ROWS:
        if row["expect"].get("code") == "invalid_token" and row["send"]["path"] == "/api/users/me":
            for step in row.get("steps", []):
                send(api, step, people)
            problem = send(api, row, people).json()
            del problem["request_id"]
            answers.append(problem)

    assert len(answers) > 10
    assert all(answer == answers[0] for answer in answers)


def test_bad_input_leaves_no_memory_and_no_files_behind(
    api: Api, people: dict[str, Person]
) -> None:
    process = psutil.Process()

    def send_all() -> None:
        for row in ROWS:
            if "steps" not in row:
                send(api, row, people)

    for _ in range(2):
        send_all()
    files, memory = process.num_fds(), process.memory_info().rss
    for _ in range(3):
        send_all()

    assert process.num_fds() <= files + 2
    assert process.memory_info().rss < memory + 20 * 2**20
