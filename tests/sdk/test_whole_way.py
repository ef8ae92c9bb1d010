"""From no account to a verdict through the command line alone, with workers that really work."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.tables.job import FINAL
from tests.colours import colour_chats
from tests.sdk.command import CommandLine
from tests.sdk.real_studio import PASSWORD, RealStudio, until


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path) -> Iterator[RealStudio]:
    made = RealStudio(tmp_path, works=True)
    shutil.copytree(tiny_model, made.settings.data_dir / "models" / "tiny")
    yield made
    made.close()


@pytest.fixture
def line(studio: RealStudio, tmp_path: Path) -> CommandLine:
    """The command line of somebody who has just made an account."""
    made = CommandLine(tmp_path, studio.url)
    words = ("register", "-u", "anna", "--setup-code", studio.setup_code, "--password-stdin")
    made.done(*words, typed=f"{PASSWORD}\n")
    return made


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "colours.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for row in colour_chats(200):
            file.write(row.model_dump_json(include={"messages"}) + "\n")
    return path


def begun_or_over(line: CommandLine, number: int) -> bool:
    job = line.json("jobs", "show", number)
    return job["percent"] > 0 or job["status"] in FINAL


@pytest.mark.slow
def test_a_new_account_reaches_a_verdict(line: CommandLine, rows: Path) -> None:
    assert "200 rows as 'colours'" in line.done("data", "add", rows)
    settings = ("--set", "num_train_epochs=1", "--set", "r=4")
    trained = line.done("train", "tiny", "colours", *settings, "--follow")
    assert "Job 2 succeeded." in trained
    assert "crewtune eval 2" in trained
    assert "Verdict: " in line.done("eval", 2, "--follow")

    assert "tuned" in line.done("models", "list")


@pytest.mark.slow
def test_a_cancelled_training_is_resumed(line: CommandLine, rows: Path) -> None:
    line.done("data", "add", rows)
    number = line.json("train", "tiny", "colours", "--set", "num_train_epochs=100")["number"]
    until(lambda: begun_or_over(line, number), seconds=120)

    line.done("jobs", "cancel", number)
    until(lambda: line.json("jobs", "show", number)["status"] in FINAL, seconds=30)

    assert line.json("jobs", "show", number)["status"] == "cancelled"
    again = line.json("jobs", "resume", number)["number"]
    until(lambda: begun_or_over(line, again), seconds=120)
    assert line.json("jobs", "show", again)["status"] == "running"
    line.done("jobs", "cancel", again)
    until(lambda: line.json("jobs", "show", again)["status"] in FINAL, seconds=30)
