"""What was found in a dataset and what is done about it, through HTTP."""

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from backend.database import writing
from backend.datasets import keep_dataset
from backend.jobs.place import workspace_of
from backend.tables.dataset import Dataset
from tests.backend.api import Api, Person
from tests.backend.routes.test_jobs import add_colours
from tests.colours import colour_chats
from tools.data.audit_dataset import audit
from tools.data.data_policy import DataPolicy
from tools.data.import_dataset import import_dataset
from tools.data.repair import Deduplicate, repair

EMAIL = "erika.mustermann@firma.de"
POLICY = DataPolicy().model_dump(mode="json")


def row(question: str, answer: str) -> str:
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": answer},
    ]
    return json.dumps({"messages": messages})


@pytest.fixture
def faults(api: Api, ben: Person) -> str:
    """The name of a dataset of Ben's: 40 good rows, one that repeats, one empty, one private."""
    workspace = workspace_of(api.settings, UUID(ben.id))
    good = [row(one.messages[0].content, one.messages[1].content) for one in colour_chats(40)]
    source = api.settings.data_dir / "faults.jsonl"
    bad = [good[0], row("Who helps?", ""), row("Whom do I write to?", f"To {EMAIL}.")]
    source.write_text("\n".join([*good, *bad]), encoding="utf-8")
    report = import_dataset(source, workspace.datasets)
    found = audit(workspace.dataset(report.dataset))
    policy = DataPolicy()
    keep_dataset(api.engine, UUID(ben.id), "faults", imported=report, audit=found, policy=policy)
    return "faults"


class Caller:
    """Somebody who asks about a dataset."""

    def __init__(self, api: Api, person: Person, name: str) -> None:
        self._api, self._headers, self._path = api, person.headers, f"/api/datasets/{name}"

    def get(self, path: str) -> Any:
        return self._api.client.get(f"{self._path}/{path}", headers=self._headers)

    def send(self, method: str, path: str, body: Any) -> Any:
        address = path if path.startswith("/") else f"{self._path}/{path}"
        return self._api.client.request(method, address, json=body, headers=self._headers)


@pytest.fixture
def caller(api: Api, ben: Person, faults: str) -> Caller:
    return Caller(api, ben, faults)


def pointers(answer: Any) -> list[str]:
    return [one["pointer"] for one in answer.json()["errors"]]


def test_the_audit_tells_all_that_was_found_and_no_private_value(caller: Caller) -> None:
    answer = caller.get("audit")

    found = answer.json()
    assert (found["rows"], found["rows_usable"], found["repeats"]) == (43, 42, 1)
    assert found["privacy"]["found"] == {"email": 1}
    assert found["repeated"] == [[41, 1]]
    assert "mustermann" not in answer.text


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("", [41, 42, 43]),
        ("?severity=error", [42]),
        ("?severity=warning", [41, 43]),
        ("?severity=warning&code=repeated", [41]),
        ("?code=empty_answer", [42]),
        ("?code=refusal", []),
        ("?row=42", [42]),
        ("?row=2", []),
        ("?offset=1&limit=2", [42, 43]),
    ],
)
def test_findings_are_those_that_fit_every_filter(
    caller: Caller, query: str, rows: list[int]
) -> None:
    page = caller.get(f"findings{query}").json()

    assert [one["row"] for one in page["findings"]] == rows
    assert page["counts"] == caller.get("audit").json()["counts"]


def test_a_page_of_findings_tells_how_many_there_are(caller: Caller) -> None:
    page = caller.get("findings?limit=1&offset=1").json()

    assert page["total"] == 3
    assert page["findings"] == [
        {
            "row": 42,
            "field": "messages",
            "severity": "error",
            "code": "empty_answer",
            "message": "The answer is empty.",
            "remedy": "Write the answer, or remove the row.",
        }
    ]


@pytest.mark.parametrize(
    "query", ["severity=bad", "row=0", "row=x", "limit=0", "limit=1001", "offset=-1"]
)
def test_a_filter_that_means_nothing_is_refused(caller: Caller, query: str) -> None:
    answer = caller.get(f"findings?{query}")

    assert answer.status_code == 422
    assert pointers(answer) == [f"/{query.partition('=')[0]}"]


def test_a_row_is_found_by_its_number_in_the_file(caller: Caller) -> None:
    page = caller.get("rows?row=43").json()

    assert [one["row"] for one in page["rows"]] == [43]
    assert page["rows"][0]["messages"][1]["content"] == f"To {EMAIL}."
    assert caller.get("rows?row=44").json() == {"rows": [], "total": 43}
    assert caller.get("rows?row=0").status_code == 422


def test_every_step_that_led_to_a_version_is_told(caller: Caller, api: Api, ben: Person) -> None:
    workspace = workspace_of(api.settings, UUID(ben.id))
    [before] = caller.get("versions").json()
    made = repair(workspace.dataset(before["version"]), Deduplicate())
    with writing(api.engine) as connection:
        connection.execute(update(Dataset).values(version=made.dataset))

    steps = caller.get("versions").json()

    assert [(one["step"]["kind"], one["made_from"]) for one in steps] == [
        ("import", None),
        ("deduplicate", before["version"]),
    ]
    assert steps[0] == before
    assert steps[1]["version"] == made.dataset


def test_the_card_holds_source_counts_and_steps_and_no_private_value(caller: Caller) -> None:
    card = caller.get("card").json()["markdown"]

    assert "| Source | faults.jsonl |" in card
    assert "| Rows | 43 |" in card
    assert "| empty_answer | 1 |" in card
    assert ": import" in card
    assert "mustermann" not in card


def test_a_dataset_from_before_audits_says_how_to_get_one(caller: Caller, api: Api) -> None:
    with writing(api.engine) as connection:
        connection.execute(update(Dataset).values(audit=None))

    for path in ("audit", "findings", "card"):
        answer = caller.get(path)
        assert (answer.status_code, answer.json()["code"]) == (409, "not_audited")
        assert "repair" in answer.text


def test_a_policy_holds_from_now_on(caller: Caller) -> None:
    wanted = {**POLICY, "marked": "drop_row", "cleaning": ["unicode"]}

    answer = caller.send("PUT", "policy", wanted)

    assert (answer.status_code, answer.json()["policy"]) == (200, wanted)
    shown = caller.send("GET", "/api/datasets/faults", None).json()
    assert shown == answer.json()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"scan": "wild"}, "/scan"),
        ({"marked": "mask"}, "/marked"),
        ({"privacy": {"email": "hide"}}, "/privacy/email"),
        ({"privacy": {"name_pipeline": "../../x"}}, "/privacy/name_pipeline"),
        ({"privacy": {"emial": "mask"}}, "/privacy/emial"),
        ({"cleaning": ["soap"]}, "/cleaning/0"),
        ({"near_threshold": 0.1}, "/near_threshold"),
        ({"benchmarks": ["../x"]}, "/benchmarks/0"),
        ({"unknown": 1}, "/unknown"),
    ],
)
def test_a_policy_with_a_bad_value_is_refused_by_its_field(
    caller: Caller, change: dict[str, Any], pointer: str
) -> None:
    for method, path in (("PUT", "policy"), ("POST", "changes")):
        answer = caller.send(method, path, {**POLICY, **change})

        assert answer.status_code == 422
        assert pointers(answer) == [pointer]
    assert caller.send("GET", "/api/datasets/faults", None).json()["policy"] == POLICY


def test_a_benchmark_is_a_dataset_of_ones_own(
    caller: Caller, api: Api, anna: Person, ben: Person
) -> None:
    add_colours(api, ben)
    add_colours(api, anna, "exam")

    answer = caller.send("PUT", "policy", {**POLICY, "benchmarks": ["colours", "exam"]})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert pointers(answer) == ["/benchmarks/1"]
    taken = caller.send("PUT", "policy", {**POLICY, "benchmarks": ["colours"]})
    assert taken.json()["policy"]["benchmarks"] == ["colours"]


def test_the_rows_that_a_policy_would_change_are_shown_and_stay(caller: Caller) -> None:
    answer = caller.send("POST", "changes", POLICY)

    assert answer.json() == [
        {
            "row": 43,
            "before": ["Whom do I write to?", f"To {EMAIL}."],
            "after": ["Whom do I write to?", "To [EMAIL]."],
        }
    ]
    drop = {**POLICY, "privacy": {**POLICY["privacy"], "email": "drop_row"}}
    assert caller.send("POST", "changes", drop).json()[0]["after"] is None
    assert caller.get("rows?row=43").json()["rows"][0]["messages"][1]["content"] == f"To {EMAIL}."


def test_names_cannot_be_sought_without_what_finds_them(caller: Caller) -> None:
    private = {**POLICY["privacy"], "name": "mask", "name_pipeline": "xx_nothing"}

    answer = caller.send("POST", "changes", {**POLICY, "privacy": private})

    assert answer.status_code == 422
    assert "spaCy" in answer.json()["detail"]


def test_a_viewer_looks_and_changes_nothing(api: Api, vera: Person) -> None:
    add_colours(api, vera)
    viewer = Caller(api, vera, "colours")

    assert viewer.get("audit").status_code == 200
    assert viewer.send("PUT", "policy", POLICY).status_code == 403


def add_rows(api: Api, person: Person, name: str, texts: list[str]) -> None:
    """Give the person a dataset of these texts."""
    workspace = workspace_of(api.settings, UUID(person.id))
    source = api.settings.data_dir / f"{name}.jsonl"
    source.write_text("".join(json.dumps({"text": one}) + "\n" for one in texts), encoding="utf-8")
    report = import_dataset(source, workspace.datasets)
    found = audit(workspace.dataset(report.dataset))
    policy = DataPolicy()
    keep_dataset(api.engine, UUID(person.id), name, imported=report, audit=found, policy=policy)


def test_a_page_of_very_long_rows_holds_few_of_them(api: Api, ben: Person) -> None:
    add_rows(api, ben, "long", ["x" * 9_000_000, *["y " * 1_500_000] * 4])
    caller = Caller(api, ben, "long")

    pages = [caller.get(f"rows?offset={offset}").json() for offset in (0, 1, 4)]

    assert [[one["row"] for one in page["rows"]] for page in pages] == [[1], [2, 3], [5]]
    assert {page["total"] for page in pages} == {5}
    assert [one["row"] for one in caller.get("rows?row=4").json()["rows"]] == [4]


def test_changes_are_sought_in_rows_that_are_soon_read(api: Api, ben: Person) -> None:
    add_rows(api, ben, "mails", [f"{EMAIL} {'x ' * 60_000}", "Nothing.", f"Write to {EMAIL}."])
    add_rows(api, ben, "far", [*[("x " * 45_000).strip()] * 12, f"Write to {EMAIL}."])

    found = [
        Caller(api, ben, name).send("POST", "changes", POLICY).json() for name in ("mails", "far")
    ]

    assert [[one["row"] for one in rows] for rows in found] == [[3], []]
