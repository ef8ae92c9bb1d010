"""The command line as a process: its exit codes, Ctrl-C, a terminal, a broken pipe."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from crewtune import Studio
from tests.sdk.command import CommandLine
from tests.sdk.real_studio import PASSWORD, RealStudio, free_port, until

SDK = Path(__file__).parents[2] / "sdk"
MAIN = [sys.executable, "-c", "from crewtune.commands.main import main; main()"]


def test_a_studio_that_is_away_ends_with_3(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, f"http://127.0.0.1:{free_port()}")

    assert "make up" in line.refused(3, "jobs", "list")
    assert line.lines("jobs", "list")[0]["error"]["code"] == "unreachable"


def test_a_credentials_file_that_cannot_be_written_is_one_sentence(
    running: RealStudio, username: str, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("a file in the way", encoding="utf-8")
    line = CommandLine(tmp_path, running.url)

    result = line.run("login", "-u", username, "--password-stdin", typed=f"{PASSWORD}\n")

    assert result.exit_code == 1
    assert "cannot be used" in result.output


def start_command(folder: Path, *words: object, **given: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config"), "TERM": "xterm"}
    environment.pop("CREWTUNE_URL", None)
    return subprocess.Popen(
        [*MAIN, *map(str, words)],
        cwd=SDK,
        env=environment,
        text=True,
        **{
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **given,
        },
    )


def test_ctrl_c_leaves_the_job_running_and_says_how_to_come_back(
    crewtune: CommandLine, running: RealStudio, anna: Studio, dataset: str, tmp_path: Path
) -> None:
    job = anna.train("tiny", dataset)
    running.tell(job.id, "One.")
    with start_command(tmp_path, "jobs", "logs", "-f", job.number, "--json") as command:
        assert command.stdout is not None
        until(lambda: '"log"' in command.stdout.readline())  # type: ignore[union-attr]
        command.send_signal(signal.SIGINT)
        rest, said = command.communicate(timeout=20)

    assert command.returncode == 130
    assert f"crewtune jobs logs -f {job.number}" in said
    assert "Traceback" not in said
    assert all(json.loads(line) for line in rest.splitlines())
    assert anna.job(job.id).status == "running"


def test_at_a_terminal_the_password_is_asked_for_and_not_shown(
    running: RealStudio, username: str, tmp_path: Path
) -> None:
    ours, theirs = pty.openpty()
    words = ("login", "--url", running.url)
    with start_command(
        tmp_path, *words, stdin=theirs, stderr=theirs, start_new_session=True
    ) as command:
        os.close(theirs)
        seen = read_until(ours, "Username: ")
        os.write(ours, f"{username}\n".encode())
        seen += read_until(ours, "Password: ")
        os.write(ours, f"{PASSWORD}\n".encode())
        told, _ = command.communicate(timeout=20)
    os.close(ours)

    assert told == f"{username} (admin) at {running.url}\n"
    assert PASSWORD not in seen


def test_at_a_terminal_a_job_has_a_bar_with_the_time_left(
    crewtune: CommandLine, running: RealStudio, anna: Studio, dataset: str, tmp_path: Path
) -> None:
    job = anna.train("tiny", dataset)
    running.tell(job.id, "One.", percent=40.0, seconds_left=125.0)
    ours, theirs = pty.openpty()
    with start_command(tmp_path, "jobs", "logs", "-f", job.number, stdout=theirs) as command:
        os.close(theirs)
        seen = read_until(ours, "0:02:05 left")
        running.succeed(job.id)
        seen += read_until(ours, "succeeded.")
        command.communicate(timeout=20)
    os.close(ours)

    assert "40%" in seen
    assert command.returncode == 0


def test_a_reader_that_goes_away_is_no_trace(crewtune: CommandLine, tmp_path: Path) -> None:
    with start_command(tmp_path, "whoami") as command:
        assert command.stdout is not None
        command.stdout.close()
        assert command.stderr is not None
        said = command.stderr.read()

    assert "Traceback" not in said


def read_until(terminal: int, words: str) -> str:
    seen = ""
    while words not in seen:
        seen += os.read(terminal, 4096).decode(errors="replace")
    return seen
