"""The rows of the tables of bad inputs, each against the real API."""

import logging
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from sqlalchemy import Engine

from backend.database import open_database
from backend.migrate import migrate, migrate_back
from tests.backend.bad_inputs import Row, World, check, send, sent_texts, table

ACCOUNTS = table("bad_inputs.yaml")
ROWS = [*ACCOUNTS, *table("bad_inputs_of_work.yaml"), *table("bad_inputs_of_names.yaml")]
# These leave everybody as they were, so that all of them can be sent to one studio.
LONE = [row for row in ROWS if "steps" not in row]
OTHERS = [row for row in ROWS if "steps" in row]
CANARY = Path("/tmp/crewtune-was-here")

# The web framework leaves the beginning of a file that never ends to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning")


def _new_engine(folder: Path) -> Engine:
    engine = open_database(f"sqlite:///{folder / 'api.db'}")
    migrate(engine)
    return engine


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A studio for all rows without steps."""
    folder = tmp_path_factory.mktemp("shared")
    engine = _new_engine(folder)
    yield World.new(engine, folder)
    engine.dispose()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A studio of the test's own."""
    engine = _new_engine(tmp_path)
    yield World.new(engine, tmp_path)
    engine.dispose()


def try_row(world: World, row: Row, caplog: pytest.LogCaptureFixture) -> None:
    """Send the row, and look at the answer, the logs and what is kept."""
    for step in row.get("steps", []):
        for _ in range(step.get("times", 1)):
            check(send(world, step), step["expect"])
    before = world.kept()

    answer = send(world, row)

    expect, given = row["expect"], row["send"]
    check(answer, expect)
    added = {name: count - before[name] for name, count in world.kept().items()}
    assert {name: count for name, count in added.items() if count} == expect.get("adds", {})
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
    if answer.status_code in (400, 401, 415, 422, 429):
        for text in sent_texts([given.get("json"), given.get("form")]):
            assert text not in answer.text + caplog.text
    assert not CANARY.exists()


@pytest.mark.parametrize("row", LONE, ids=[row["name"] for row in LONE])
def test_what_should_not_be_sent_is_refused(
    shared: World, row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    try_row(shared, row, caplog)


@pytest.mark.parametrize("row", OTHERS, ids=[row["name"] for row in OTHERS])
def test_what_comes_after_something_else_does_no_harm(
    world: World, row: Row, caplog: pytest.LogCaptureFixture
) -> None:
    try_row(world, row, caplog)


def test_postgresql_minds_no_row_that_sqlite_does_not(
    postgres_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = open_database(postgres_url)
    migrate(engine)
    world = World.new(engine, tmp_path)

    for row in LONE:
        try_row(world, row, caplog)

    migrate_back(engine)
    engine.dispose()


def test_every_bad_token_gets_the_same_answer(world: World) -> None:
    answers = []
    for row in ACCOUNTS:
        if row["expect"].get("code") == "invalid_token" and row["send"]["path"] == "/api/users/me":
            for step in row.get("steps", []):
                send(world, step)
            problem = send(world, row).json()
            del problem["request_id"]
            answers.append(problem)

    assert len(answers) > 10
    assert all(answer == answers[0] for answer in answers)


def test_bad_input_leaves_no_memory_and_no_files_behind(world: World) -> None:
    process = psutil.Process()

    def send_all() -> None:
        for row in LONE:
            send(world, row)

    for _ in range(2):
        send_all()
    files, memory = process.num_fds(), process.memory_info().rss
    for _ in range(3):
        send_all()

    assert process.num_fds() <= files + 2
    assert process.memory_info().rss < memory + 20 * 2**20
