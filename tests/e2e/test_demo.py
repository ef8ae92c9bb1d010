"""The main job as a user runs it: its figures, its self-test, Ctrl-C, and what is left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.prove
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One workspace for the whole module: later runs meet the champion of earlier ones."""
    return tmp_path_factory.mktemp("demo")


def environment(place: Path) -> dict[str, str]:
    return {
        **os.environ,
        "CREWTUNE_DATA_DIR": str(place / "data"),
        "CREWTUNE_MLRUNS_DIR": str(place / "mlruns"),
        "PYTHONUNBUFFERED": "1",
    }


def demo(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "backend.demo", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment(place), text=True, capture_output=True, check=False
    )


def words(output: str) -> str:
    """Return what was printed without the frame and the line breaks."""
    return " ".join(output.replace("│", " ").split())


def newest_verdict(place: Path) -> dict[str, Any]:
    newest = max(place.glob("data/runs/*/verdict.json"), key=lambda path: path.stat().st_mtime)
    verdict: dict[str, Any] = json.loads(newest.read_text(encoding="utf-8"))
    return verdict


def metric(verdict: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in verdict["comparisons"] if one["metric"] == name]
    return dict(found)


def test_the_demo_ends_with_a_model_that_is_proven_better(place: Path) -> None:
    ended = demo(place)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    verdict = newest_verdict(place)
    exact = metric(verdict, "exact_match")
    assert verdict["verdict"] == "better"
    assert verdict["promoted"]
    assert exact["rows"] >= 100
    assert exact["baseline"] <= 0.05
    assert exact["candidate"] >= 0.80
    assert exact["low"] > 0
    assert len(verdict["samples"]) == 10
    assert [one["fell_back"] for one in verdict["receipts"]] == [False] * 4
    for said in ("BETTER", "exact match", "ROUGE-L", "version 1 (champion)", "Next: make mlflow"):
        assert said in words(ended.stdout)


def test_shuffled_labels_end_not_better_and_the_champion_stays(place: Path) -> None:
    ended = demo(place, "--shuffle-labels")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    verdict = newest_verdict(place)
    assert (verdict["verdict"], verdict["promoted"]) == ("not better", False)
    assert verdict["champion_version"] == 1
    assert "SELF-TEST PASSED, not better" in words(ended.stdout)
    assert "version 1 stays champion" in words(ended.stdout)


def test_ctrl_c_takes_one_line_and_a_checkpoint_and_the_run_goes_on(place: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "backend.demo"],
        cwd=ROOT,
        env=environment(place),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    _wait_for_a_checkpoint(place, process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 130
    stopped = re.search(r"Stopped\. Go on with: make demo RESUME=(\S+)\n$", output)
    assert stopped, output
    assert "Traceback" not in output

    ended = demo(place, "--resume", stopped.group(1))

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Going on from step" in ended.stdout
    assert newest_verdict(place)["run_id"] == stopped.group(1)
    assert newest_verdict(place)["verdict"] == "better"


def _wait_for_a_checkpoint(place: Path, process: subprocess.Popen[str]) -> None:
    while not list(place.glob("data/runs/*/checkpoints/checkpoint-*/MANIFEST.json")):
        assert process.poll() is None, "the run ended before it could be stopped"
        time.sleep(0.2)
