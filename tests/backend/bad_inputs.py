"""The tables of what should not be sent: read, sent and checked. Tests say against what.

A row has `send` and `expect`; `steps` come before it, each with its own, and `times`.

`send`: `method`, `path`, and what goes with it: `json`, `form`, `body` with `type`, `file` (a name
and its content) or `parts` of a form. Without `headers` the request is signed by Ben, a member, or
whom `as` names; `also` are headers beside that.

`expect`: `status`, `code`, `pointers`, and of a row that is let in: what it `says` and `adds`.

Tags: !repeat [text, times, before, after], !forged (a kind of forged token), !of (what the world
has: access, refresh, id, ben_job, anna_job, anna_training, anna_upload).
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from httpx2 import Response
from sqlalchemy import Engine, func, select

from backend.database import reading
from backend.jobs.orders import Ending
from backend.jobs.store import JobStore
from backend.tables import ApiKey, Invitation, User
from backend.tables.dataset import Dataset
from backend.tables.job import Job, JobStatus
from tests.backend.api import Api, Person
from tests.backend.forge import claims, sign, sign_text

Row = dict[str, Any]
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
_TABLES = {"users": User, "keys": ApiKey, "invitations": Invitation, "jobs": Job, "sets": Dataset}


@dataclass
class World:
    """A studio in which Anna has a dataset, an upload and two jobs; Ben a dataset and a job."""

    api: Api
    people: dict[str, Person]
    known: dict[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, engine: Engine, folder: Path, **more: Any) -> "World":
        from tests.backend.routes.test_jobs import add_colours

        (folder / "data").mkdir()
        api = Api(engine, folder / "data", CREWTUNE_UPLOAD_MIB=1, **more)
        people = {"anna": api.add_person("anna", "admin"), "ben": api.add_person("ben", "member")}
        world = cls(api, people)
        anna = people["anna"]
        api.client.put("/api/auth/registration", json={"open": True}, headers=anna.headers)
        add_colours(api, anna, "hers")
        add_colours(api, people["ben"])
        world.known["anna_training"] = world.train("anna", "hers")
        store = JobStore(api.engine)
        job = store.claim("gpu", 1, {})
        assert job is not None
        store.finish(job.id, job.token, Ending(JobStatus.SUCCEEDED, result={}))
        world.known["anna_job"] = world.train("anna", "hers")
        world.known["ben_job"] = world.train("ben", "colours")
        store.cancel(UUID(world.known["ben_job"]))  # so that no stream of it goes on for ever
        files = {"file": ("x.jsonl", b'{"a": 1}\n')}
        sent = api.client.post("/api/uploads", files=files, headers=anna.headers)
        world.known["anna_upload"] = sent.json()["upload"]
        return world

    def train(self, who: str, dataset: str) -> str:
        asked = {"model": "tiny", "dataset": dataset}
        headers = self.people[who].headers
        made = self.api.client.post("/api/trainings", json=asked, headers=headers)
        return str(made.json()["id"])

    def knows(self, name: str) -> dict[str, str]:
        person = self.people[name]
        tokens = {"access": person.access_token, "refresh": person.refresh_token}
        return {**self.known, **tokens, "id": person.id}

    def kept(self) -> dict[str, int]:
        """How much there is of everything."""
        with reading(self.api.engine) as connection:
            rows = {
                name: connection.scalar(select(func.count()).select_from(table)) or 0
                for name, table in _TABLES.items()
            }
        here = self.api.settings.data_dir
        files = [one for one in here.parent.rglob("*") if one.is_file() and ".db" not in one.name]
        uploads = [one for one in files if one.is_relative_to(here) and "uploads" in one.parts]
        return {**rows, "uploads": len(uploads), "other files": len(files) - len(uploads)}


class _Loader(yaml.SafeLoader):
    """Reads the tables' tags as functions of the world."""


def _repeat(loader: _Loader, node: yaml.SequenceNode) -> str:
    text, times, *around = loader.construct_sequence(node)
    before, after = [*around, "", ""][:2]
    return str(before) + str(text) * int(times) + str(after)


def _forged(loader: _Loader, node: yaml.ScalarNode) -> Callable[[World], str]:
    forge = FORGED[str(loader.construct_scalar(node))]
    return lambda world: f"Bearer {forge(claims(world.api.clock, world.people['ben']))}"


def _of(loader: _Loader, node: yaml.ScalarNode) -> Callable[[World], str]:
    template = str(loader.construct_scalar(node))

    def fill(world: World) -> str:
        known = world.knows("ben")
        return known.get(template) or template.format(**known)

    return fill


_Loader.add_constructor("!repeat", _repeat)
_Loader.add_constructor("!forged", _forged)
_Loader.add_constructor("!of", _of)


def table(name: str) -> list[Row]:
    """Return the rows of the table of that name."""
    with (Path(__file__).parent / name).open(encoding="utf-8") as opened:
        rows: list[Row] = yaml.load(opened, _Loader)
    return rows


def _filled(value: Any, world: World) -> Any:
    """Return `value` with what only the world has."""
    if callable(value):
        return value(world)
    if isinstance(value, dict):
        return {name: _filled(one, world) for name, one in value.items()}
    return value


def send(world: World, row: Row) -> Response:
    """Send what a row says."""
    request = _filled(row["send"], world)
    signed = world.people[request.get("as", "ben")].headers
    headers = [*request.get("headers", signed).items(), *request.get("also", {}).items()]
    if "twice" in request:
        headers += [(name, value) for name, value in headers if name == request["twice"]]
    if "type" in request:
        headers.append(("Content-Type", request["type"]))
    return world.api.client.request(
        request["method"],
        request["path"],
        headers=headers,
        content=_content(request),
        json=request.get("json"),
        data=request.get("form"),
        files={"file": _file(*request["file"])} if "file" in request else None,
    )


def _content(request: Row) -> bytes | None:
    body = request.get("body")
    if "parts" in request:
        return _parts(request["parts"]) + _bytes(request.get("end", "--B--\r\n"))
    return None if body is None else _bytes(body)


def _file(name: str, content: str | bytes) -> tuple[str, bytes]:
    return name, _bytes(content)


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _parts(parts: list[Row]) -> bytes:
    """Return the parts of a form, whose boundary is B."""
    whole = b""
    for part in parts:
        called = f'; filename="{part["file"]}"' if "file" in part else ""
        head = f'Content-Disposition: form-data; name="{part["name"]}"{called}\r\n'
        content = part.get("content", "[]")
        one = f"--B\r\n{head}{part.get('head', '')}\r\n{content}\r\n"
        whole += one.encode() * part.get("times", 1)
    return whole


def check(answer: Response, expect: Row) -> None:
    """The status, the shape of a problem, its code and where it is."""
    assert answer.status_code == expect["status"], answer.text
    assert len(answer.content) < 20_000
    if answer.is_success:
        said = answer.json() if answer.content else {}
        assert {name: said[name] for name in expect.get("says", {})} == expect.get("says", {})
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


def sent_texts(value: Any) -> Iterator[str]:
    """Yield every long text in what was sent."""
    if isinstance(value, str) and len(value) >= 8:
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from sent_texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from sent_texts(one)
