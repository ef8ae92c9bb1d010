from typing import Any

import pytest

from tests.backend.api import Api, Person
from tests.backend.routes.test_jobs import add_colours


def send(api: Api, person: Person, name: str, content: bytes) -> Any:
    files = {"file": (name, content)}
    return api.client.post("/api/uploads", files=files, headers=person.headers)


def test_an_upload_is_kept_whole_under_a_name_of_ours(api: Api, ben: Person) -> None:
    answer = send(api, ben, "My Chats (1).jsonl", b'{"prompt": "a", "completion": "b"}\n')

    assert answer.status_code == 201
    upload = answer.json()
    assert (upload["filename"], upload["bytes"]) == ("My Chats (1).jsonl", 35)
    [kept] = (api.settings.data_dir / "workspaces").rglob("*.jsonl")
    assert (kept.name, kept.parent.name) == ("my-chats-1.jsonl", upload["upload"])


@pytest.mark.parametrize(
    "name",
    ["../../../../etc/cron.d/x.json", "/etc/passwd.json", "..\\..\\x.json", "é\u202egpj.json"],
)
def test_no_name_leads_out_of_the_workspace(api: Api, ben: Person, name: str) -> None:
    answer = send(api, ben, name, b"[]")

    assert answer.status_code == 201
    assert "\u202e" not in answer.json()["filename"]
    [kept] = [one for one in api.settings.data_dir.rglob("*.json") if one.is_file()]
    assert "workspaces" in kept.parts
    assert "uploads" in kept.parts


@pytest.mark.parametrize(
    ("name", "content", "status", "code"),
    [
        ("x.exe", b"MZ", 415, "unsupported_type"),
        ("x", b"[]", 415, "unsupported_type"),
        ("x.json", b"\x7fELF\x00\x00", 415, "type_mismatch"),
        ("x.parquet", b"[]", 415, "type_mismatch"),
        ("x.json", b"PAR1", 415, "type_mismatch"),
        ("x.json", b"", 422, "empty"),
    ],
)
def test_what_is_no_data_file_is_refused(
    api: Api, ben: Person, name: str, content: bytes, status: int, code: str
) -> None:
    answer = send(api, ben, name, content)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not list(api.settings.data_dir.rglob("uploads/*"))


def test_a_file_that_is_too_large_is_refused_and_nothing_is_left(tmp_path: Any) -> None:
    from backend.database import open_database
    from backend.migrate import migrate

    engine = open_database(f"sqlite:///{tmp_path / 'api.db'}")
    migrate(engine)
    api = Api(engine, tmp_path, CREWTUNE_UPLOAD_MIB=1)
    anna = api.add_person("anna", "admin")

    answer = send(api, anna, "x.json", b" " * (2 << 20))

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert not list(api.settings.data_dir.rglob("uploads/*"))
    engine.dispose()


def test_an_import_needs_a_source_that_is_there(api: Api, ben: Person) -> None:
    def add(**body: object) -> Any:
        return api.client.post("/api/datasets", json={"name": "x", **body}, headers=ben.headers)

    assert add().status_code == 422
    assert add(hub_id="a/b", upload="c").status_code == 422
    assert add(upload="nonesuch").status_code == 404
    assert add(upload="../../x").status_code == 422
    assert add(hub_id="../x").status_code == 422
    assert add(hub_id="tatsu-lab/alpaca", name="<b>").status_code == 422
    assert add(hub_id="tatsu-lab/alpaca").status_code == 201


def test_a_dataset_is_shown_and_forgotten(api: Api, ben: Person) -> None:
    add_colours(api, ben)

    def get(path: str) -> Any:
        return api.client.get(f"/api/datasets/colours{path}", headers=ben.headers)

    assert get("").json()["rows"] == 40
    page = get("/rows?offset=38&limit=5").json()
    assert (len(page["rows"]), page["total"]) == (2, 40)
    assert page["rows"][0]["messages"][0]["role"] == "user"
    assert page["rows"] == get("/rows?limit=100").json()["rows"][38:]
    assert get("/audit").json()["rows_usable"] == 40
    assert api.client.delete("/api/datasets/colours", headers=ben.headers).status_code == 204
    assert get("").status_code == 404
