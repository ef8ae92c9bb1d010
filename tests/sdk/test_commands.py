import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from crewtune import Studio
from crewtune.commands.main import app
from tests.sdk.command import CommandLine
from tests.sdk.real_studio import PASSWORD, RealStudio

SDK = Path(__file__).parents[2] / "sdk"
MAIN = [sys.executable, "-c", "from crewtune.commands.main import main; main()"]


def every_command(command: Any = None, *names: str) -> Iterator[tuple[str, ...]]:
    command = command or get_command(app)
    if names:
        yield names
    for name, inner in getattr(command, "commands", {}).items():
        yield from every_command(inner, *names, name)


COMMANDS = list(every_command())
LEAVES = [one for one in COMMANDS if one not in {("data",), ("models",), ("jobs",), ("crew",)}]


def test_all_commands_are_there() -> None:
    assert {" ".join(one) for one in LEAVES} == {
        *("login", "register", "logout", "whoami", "train", "eval", "doctor"),
        *(f"data {name}" for name in ("add", "list", "show", "rows", "remove", "search")),
        *(f"data {name}" for name in ("findings", "policy", "repair", "rehearse", "versions")),
        *("data card", "data preview"),
        *("models list", "models search", "crew start", "crew receipts"),
        *(f"jobs {name}" for name in ("list", "show", "logs", "cancel", "priority", "resume")),
    }


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_help_has_examples_exit_codes_and_the_options_of_all(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"])

    assert shown.exit_code == 0
    assert f"  crewtune {' '.join(words)}" in shown.stdout
    assert "--json" in shown.stdout
    assert "--url" in shown.stdout
    assert "130 stopped" in shown.stdout


def test_signing_in_and_out(crewtune: CommandLine, running: RealStudio, username: str) -> None:
    assert crewtune.json("whoami")["user"]["username"] == username
    assert crewtune.done("whoami") == f"{username} (admin) at {running.url}\n"
    assert oct(crewtune.credentials.stat().st_mode)[-3:] == "600"

    assert crewtune.json("logout") == {"url": running.url, "signed_in": False}

    assert "crewtune login" in crewtune.refused(4, "whoami")
    assert crewtune.json("logout")["signed_in"] is False


def test_the_studio_signed_in_to_last_is_used(
    crewtune: CommandLine, running: RealStudio, tmp_path: Path
) -> None:
    without_address = CommandLine(tmp_path, url=None)

    assert without_address.json("whoami")["url"] == running.url


def test_somebody_with_an_invitation_makes_an_account(
    running: RealStudio, anna: Studio, tmp_path: Path
) -> None:
    code = anna.invite().code.get_secret_value()
    line = CommandLine(tmp_path, running.url)

    told = line.done(
        *("register", "-u", "clara", "--invitation", code, "--password-stdin"),
        typed=f"{PASSWORD}\n",
    )

    assert told == f"clara (member) at {running.url}\n"


def test_no_command_takes_a_password_as_an_argument(crewtune: CommandLine) -> None:
    for words in COMMANDS:
        assert "--password " not in crewtune.run(*words, "--help").stdout
    assert "No such option" in crewtune.refused(2, "login", "--password", PASSWORD)


def test_without_a_terminal_the_password_comes_by_standard_input(crewtune: CommandLine) -> None:
    assert "--password-stdin" in crewtune.refused(2, "login", "-u", "anna")


def test_a_wrong_password_is_not_signed_in(crewtune: CommandLine, username: str) -> None:
    words = ("login", "-u", username, "--password-stdin")

    result = crewtune.run(*words, typed="a wrong one\n")

    assert result.exit_code == 4
    assert "a wrong one" not in result.output


def test_a_file_becomes_a_dataset_that_can_be_looked_at(
    crewtune: CommandLine, running: RealStudio, chats: Path
) -> None:
    job = crewtune.json("data", "add", chats, "--no-follow")
    running.do(UUID(job["id"]))

    assert [one["name"] for one in crewtune.json("data", "list")] == ["chats"]
    assert "40" in crewtune.done("data", "list")
    assert crewtune.json("data", "show", "chats")["audit"]["rows_usable"] == 40
    assert "40 of 40" in crewtune.done("data", "show", "chats")
    assert crewtune.json("data", "rows", "chats", "--limit", 2)["total"] == 40
    assert "user: Say 3\n" in crewtune.done("data", "rows", "chats", "--offset", 3)
    assert crewtune.json("data", "remove", "chats", "--yes") == {"removed": "chats"}
    assert "You have no dataset" in crewtune.done("data", "list")


def test_deleting_is_asked_about(crewtune: CommandLine, dataset: str) -> None:
    assert "--yes" in crewtune.refused(2, "data", "remove", dataset)

    assert crewtune.json("data", "show", dataset)["dataset"]["name"] == dataset


def test_a_dataset_of_the_hub_is_asked_for_by_its_id(crewtune: CommandLine) -> None:
    job = crewtune.json("data", "add", "org/Chat.Data", "--split", "test", "--no-follow")

    asked = {"name": "Chat.Data", "hub_id": "org/Chat.Data", "split": "test"}
    assert job["request"] == asked


@pytest.mark.parametrize(
    "words",
    [
        ("data", "add", "no-such-file.jsonl"),
        ("data", "rows", "chats", "--limit", "0"),
        ("train", "tiny"),
        ("train", "tiny", "chats", "--set", "no change"),
        ("train", "tiny", "chats", "--recipe", "no-such-recipe.yaml"),
        ("jobs", "list", "--url", "nowhere"),
        ("crew", "tiny", "chats"),
        ("no-such-command",),
    ],
    ids=" ".join,
)
def test_misuse_ends_with_2(crewtune: CommandLine, words: tuple[str, ...]) -> None:
    assert "Error" in crewtune.refused(2, *words)


def test_a_training_is_started_with_a_recipe_and_changes_to_it(
    crewtune: CommandLine, dataset: str, tmp_path: Path
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("learning_rate: 1e-4\nnum_train_epochs: 5\n", encoding="utf-8")

    job = crewtune.json(
        *("train", "tiny", dataset, "--recipe", recipe, "--set", "num_train_epochs=2"),
        *("--set", "r=4", "--seed", 7),
    )

    asked = job["request"]
    assert asked["recipe"] == {"learning_rate": 1e-4, "num_train_epochs": 2, "r": 4}
    assert (asked["model"], asked["dataset"], asked["seed"]) == ("tiny", dataset, 7)


def test_a_refused_recipe_names_its_fields(crewtune: CommandLine, dataset: str) -> None:
    said = crewtune.refused(1, "train", "tiny", dataset, "--set", "learning_rate=7")

    assert "learning_rate" in said


def test_a_job_is_followed_to_its_end(
    crewtune: CommandLine, running: RealStudio, anna: Studio, dataset: str
) -> None:
    job = anna.train("tiny", dataset)
    running.tell(job.id, "Reading rows.", "\x1b[31mRed\x1b[0m [bold]words[/bold]")
    running.measure(job.id, "loss", 1.5, 10)
    running.succeed(job.id, training={"steps": 10, "train_loss": 1.5})

    told = crewtune.done("jobs", "logs", "-f", job.number)

    assert "Reading rows.\n" in told
    assert "\x1b" not in told
    assert "[bold]words[/bold]" in told
    assert f"Job {job.number} succeeded.\n  steps 10, loss 1.5\n" in told
    assert "Reading rows." in crewtune.done("jobs", "logs", job.number)
    assert crewtune.json("jobs", "logs", job.id)[0] == "Reading rows."


def test_following_in_json_is_a_line_for_each_event_and_the_job_at_the_end(
    crewtune: CommandLine, running: RealStudio, anna: Studio, dataset: str
) -> None:
    job = anna.train("tiny", dataset)
    running.tell(job.id, "One.")
    running.succeed(job.id, answer=42)

    lines = crewtune.lines("jobs", "logs", "-f", job.number)

    assert [one["event"]["type"] for one in lines[:-1]] == ["queued", "started", "log", "succeeded"]
    assert lines[-1]["job"]["result"] == {"answer": 42}


def test_a_failed_job_ends_with_1_and_its_reason(
    crewtune: CommandLine, running: RealStudio, anna: Studio, dataset: str
) -> None:
    job = anna.train("tiny", dataset)
    running.fail(job.id, "disk_full", "The disk is full. Delete runs.")

    said = crewtune.refused(1, "jobs", "logs", "-f", job.number)

    assert "The disk is full. Delete runs. (disk_full)" in said
    assert "(disk_full)" in crewtune.done("jobs", "show", job.number)


def test_jobs_are_listed_shown_cancelled_and_resumed(
    crewtune: CommandLine, running: RealStudio, anna: Studio, dataset: str
) -> None:
    running.running(anna.train("tiny", dataset).id)  # takes the only slot
    job = crewtune.json("train", "tiny", dataset)

    assert crewtune.json("jobs", "list", "--kind", "train")["jobs"][0]["id"] == job["id"]
    assert "queued, next" in crewtune.done("jobs", "list")
    assert crewtune.json("jobs", "show", job["number"])["id"] == job["id"]
    assert "tiny" in crewtune.done("jobs", "show", job["id"])
    assert crewtune.json("jobs", "cancel", job["number"])["status"] == "cancelled"
    assert "is queued" in crewtune.done("jobs", "resume", job["number"])
    assert "--before" in crewtune.done("jobs", "list", "--limit", 1)


def test_a_job_that_is_not_there_is_refused(crewtune: CommandLine) -> None:
    assert "There is no job '999999'" in crewtune.refused(1, "jobs", "show", 999999)
    assert "There is no job 'x'" in crewtune.refused(1, "jobs", "show", "x")
    unknown = "7d1c0c2e-6f0b-4b8a-9d57-0a0b5f0e0001"
    assert crewtune.lines("jobs", "show", unknown)[0]["error"]["code"] == "not_found"


def test_an_evaluation_and_its_verdict(
    crewtune: CommandLine, running: RealStudio, anna: Studio, dataset: str
) -> None:
    training = anna.train("tiny", dataset)
    assert "The training is" in crewtune.refused(1, "eval", training.number)
    running.succeed(training.id)
    job = crewtune.json("eval", training.number)
    running.succeed(UUID(job["id"]), gate={"verdict": "not better", "reasons": ["Too few rows."]})

    told = crewtune.done("jobs", "logs", "-f", job["number"])

    assert "Verdict: not better\n  Too few rows.\n" in told


def test_the_crew_is_called_in_the_short_form_too(crewtune: CommandLine, dataset: str) -> None:
    words = ("tiny", dataset, "--goal", "Say numbers.")

    short = crewtune.json("crew", *words)
    long = crewtune.json("crew", "start", *words)

    assert short["kind"] == long["kind"] == "crew"
    assert short["request"] == long["request"]
    assert crewtune.json("crew", "receipts", short["number"]) == []
    assert "No step has ended" in crewtune.done("crew", "receipts", short["number"])


def test_models_are_listed_and_searched(crewtune: CommandLine) -> None:
    assert "tiny-instruct" in {one["name"] for one in crewtune.json("models", "list")}
    assert "tiny-instruct" in crewtune.done("models", "list")
    assert crewtune.json("models", "search", "qwen")["note"]
    assert "Hub" in crewtune.run("data", "search", "chats").stderr


def test_a_job_that_ended_is_not_moved(crewtune: CommandLine, running: RealStudio) -> None:
    number = crewtune.json("data", "add", "refrigeration-requests", "--no-follow")["number"]
    crewtune.done("jobs", "cancel", number)

    assert "does not wait any more" in crewtune.refused(1, "jobs", "priority", number, 1)
