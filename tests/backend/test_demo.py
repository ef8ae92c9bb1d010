import subprocess
import sys
from pathlib import Path

import pytest

from backend.demo import main
from backend.terminal import plain
from tests.colours import colour_chats
from tools.data.conversation import write_version


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREWTUNE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CREWTUNE_MLRUNS_DIR", str(tmp_path / "mlruns"))
    monkeypatch.setenv("LLM_BASE_URL", "")


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    assert "make demo ARGS=--shuffle-labels" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "nonesuch"], "There is no local model 'nonesuch'"),
        (["--model", "/etc"], "not a model folder"),
        (["--model", "org/na me"], "not a Hub id"),
        (["--model", "https://example.com/model"], "is an address"),
        (["--resume", "yesterday"], "There is no run 'yesterday'"),
        (["--resume", "../../etc"], "is not a run name"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1

    printed = " ".join(capsys.readouterr().out.split())
    assert "Stopped:" in printed
    assert said in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.jsonl", None, "'missing.jsonl'"),
        ("odd.jsonl", '{"foo": 1, "bar": "x"}\n' * 30, "foo"),
        ("broken.jsonl", '{"prompt": "a", "completion": "b"}\n{oops\n', "line 2"),
        ("few.csv", "prompt,completion\nHello,Hi\n", "20 are needed"),
        ("empty.json", "", "'empty.json'"),
        ("picture.png", "x", "'picture.png'"),
    ],
)
def test_data_that_cannot_be_used_is_refused_in_one_sentence(
    name: str,
    content: str | None,
    said: str,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")

    assert main(["--model", str(tiny_model), "--dataset", str(tmp_path / name)]) == 1

    printed = " ".join(capsys.readouterr().out.split())
    assert said in printed
    assert "Traceback" not in printed


def test_an_empty_goal_is_not_taken_for_none(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--model", str(tiny_model), "--goal", ""]) == 1

    assert "goal" in capsys.readouterr().out


def test_ctrl_c_while_it_starts_ends_it_in_one_line() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _INTERRUPTED_IMPORT],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    assert printed == "Stopped before anything was begun.\n"


# Interrupts itself while the first heavy module is being imported.
_INTERRUPTED_IMPORT = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == "pydantic":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
from backend.demo import main
sys.exit(main([]))
"""


def test_a_goal_that_is_too_long_is_named(
    tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--model", str(tiny_model), "--goal", "x" * 501]) == 1

    assert "goal" in capsys.readouterr().out


@pytest.mark.slow
def test_a_model_and_a_file_of_ones_own_are_tuned(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = write_version(tmp_path, "colours", colour_chats(160))

    code = main(
        ["--model", str(tiny_model), "--dataset", str(dataset), "--goal", "Say [red] colours"]
    )

    printed = capsys.readouterr().out
    assert code == 0
    assert "BETTER: Say [red] colours" in printed
    assert (tmp_path / "data" / "mlflow.db").is_file()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("LLM_MODEL", "qwen3:8b", "LLM_BASE_URL and LLM_MODEL are set together"),
        ("MLFLOW_TRACKING_URI", "ftp://anna:secret@host", "MLFLOW_TRACKING_URI"),
        ("HF_ENDPOINT", "http://anna:secret@host", "HF_ENDPOINT"),
    ],
)
def test_a_setting_that_is_wrong_is_named_and_not_shown(
    name: str,
    value: str,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(name, value)

    assert main([]) == 1

    printed = " ".join(capsys.readouterr().out.split())
    assert said in printed
    assert "secret" not in printed


def test_resume_is_given_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--resume", "some-run", "--model", "other"])

    assert ended.value.code == 2
    assert "give it alone" in capsys.readouterr().err


def test_no_text_commands_the_terminal() -> None:
    assert plain("a\x1b]0;evil\x07b[red]") == "a ]0;evil b\\[red]"
