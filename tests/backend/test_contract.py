"""The API keeps to its own description: every operation, with what fits it and what does not.

The real application in this process, its jobs begun by nobody, and a real MLflow.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.engine import Status, events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.python.asgi import shutdown_lifespans
from schemathesis.schemas import BaseSchema

from backend.database import open_database
from backend.migrate import migrate
from tests.backend.bad_inputs import World
from tests.backend.routes.test_rights import ADMIN
from tests.mlflow_server import MlflowServer
from tests.sdk.real_studio import ByHand

pytestmark = pytest.mark.prove

SEED = 20261121
# What fits the description and is refused all the same, for a reason that it cannot express.
_WHOLE = "a whole number is written 1 and not 1.0, which JSON Schema takes for the same"
REFUSED_WITH_REASON = {
    "PATCH /api/users/{user_id}": "it changes one thing at least",
    "POST /api/auth/password": "nobody guesses the current password",
    "POST /api/auth/register": "a password may be one of those that everyone tries",
    "POST /api/auth/setup": "likewise",
    "POST /api/crew-runs": _WHOLE,
    "POST /api/datasets": "it comes from exactly one of three places",
    "POST /api/datasets/{name}/changes": "a pipeline that finds names has to be installed",
    "POST /api/data/inspections": "it comes from exactly one of three places",
    "POST /api/data/repairs": "steps or a version, not both",
    "POST /api/data/token-previews": "a dataset or a text, not both",
    "POST /api/trainings": "the fields of a recipe are those of the recipe, not of the request",
    "POST /api/trainings/recommendation": _WHOLE,
    "PUT /api/jobs/{job_id}/priority": _WHOLE,
    "POST /api/uploads": "the file's name says what is in it",
}
OFF = {"enabled": False}
UNCHECKED = {"positive_data_acceptance": OFF}
# It is not there before the run has ended.
REPORT = "GET /api/crew-runs/{job_id}/report"
# These end what the others need, and so come last.
ENDING = {
    "POST /api/auth/sign-out",
    "POST /api/auth/sign-out-everywhere",
    "DELETE /api/datasets/{name}",
}


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    server.start()
    yield server.uri
    server.kill()


@pytest.fixture
def world(mlflow: str, tmp_path: Path) -> Iterator[World]:
    engine = open_database(f"sqlite:///{tmp_path / 'api.db'}")
    migrate(engine)
    yield World.new(engine, tmp_path, runner=ByHand(), MLFLOW_TRACKING_URI=mlflow)
    shutdown_lifespans()
    engine.dispose()


def operations(document: dict[str, Any]) -> set[str]:
    return {f"{method.upper()} {path}" for path, one in document["paths"].items() for method in one}


def described(world: World, who: str, chosen: set[str], *, examples: int) -> BaseSchema:
    """Return the description, of which one of the people is to try the `chosen` operations."""
    document, known = world.api.app.openapi(), world.known
    config = {
        "seed": SEED,
        "base-url": "http://localhost",
        "headers": world.people[who].headers,
        "generation": {"max-examples": examples, "no-shrink": True, "database": "none"},
        # Of what ends things nothing follows.
        "phases": {"stateful": {"enabled": chosen != ENDING}},
        "max-stream-events": 3,  # a stream of a job that goes on does not end
        "dictionaries": {
            "datasets": {"values": ["colours"]},
            "jobs": {"values": [known["ben_job"]]},
            "people": {"values": [world.people["ben"].id]},
        },
        "parameters": {
            "body.dataset": often("datasets"),
            "path.name": often("datasets"),
            "path.job_id": often("jobs"),
            "path.user_id": often("people"),
        },
        "operations": [
            *({"include-name": one, "enabled": False} for one in operations(document) - chosen),
            *({"include-name": one, "checks": UNCHECKED} for one in REFUSED_WITH_REASON),
            {"include-name": REPORT, "checks": {"ensure_resource_availability": OFF}},
        ],
    }
    schema = schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(config))
    schema.app = world.api.app
    return schema


def often(dictionary: str) -> dict[str, Any]:
    return {"dictionary": dictionary, "probability": 0.7}


def try_all(schema: BaseSchema) -> tuple[list[str], dict[str, Counter[int]]]:
    """Return what was not as described, and how often each operation answered what."""
    wrong, answers = [], defaultdict(Counter)
    for event in from_schema(schema).execute():
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.NonFatalError):
            wrong.append(f"{event.label}: {event.value}")
        if isinstance(event, events.ScenarioFinished):
            recorder = event.recorder
            for case_id, one in recorder.interactions.items():
                label = recorder.cases[case_id].value.operation.label
                answers[label][one.response.status_code if one.response else 0] += 1
            wrong += failures(recorder)
    return wrong, answers


def failures(recorder: ScenarioRecorder) -> list[str]:
    return [
        f"{check.name}, {recorder.label}: {found.failure.title}. {found.failure.message}\n"
        f"{found.code_sample}\n{answered(recorder, case_id)}"
        for case_id, checks in recorder.checks.items()
        for check in checks
        if check.status == Status.FAILURE and (found := check.failure_info) is not None
    ]


def answered(recorder: ScenarioRecorder, case_id: str) -> str:
    response = recorder.find_response(case_id=case_id)
    return response.text[:500] if response else ""


def answered_well(answers: dict[str, Counter[int]]) -> set[str]:
    return {label for label, codes in answers.items() if any(code < 300 for code in codes)}


def test_what_a_member_sends_is_answered_as_described(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = operations(world.api.app.openapi()) - ENDING

    wrong, answers = try_all(described(world, "ben", chosen, examples=25))

    assert wrong == []
    assert set(answers) == chosen
    # Not everything was refused: the checks saw answers of all kinds.
    assert answered_well(answers) >= {
        "DELETE /api/auth/api-keys/{key_id}",
        "GET /api/datasets/{name}/rows",
        "GET /api/experiments",
        "GET /api/jobs/{job_id}/stream",
        "POST /api/crew-runs",
        "POST /api/datasets",
        "POST /api/jobs/{job_id}/resume",
        "POST /api/trainings",
    }
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


def test_what_an_admin_sends_is_answered_as_described(world: World) -> None:
    wrong, answers = try_all(described(world, "anna", ADMIN, examples=15))

    assert wrong == []
    assert answered_well(answers) == ADMIN


def test_what_ends_things_is_answered_as_described(world: World) -> None:
    wrong, answers = try_all(described(world, "ben", ENDING, examples=15))

    assert wrong == []
    assert set(answers) == ENDING
