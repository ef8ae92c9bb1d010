"""A secret and an e-mail address in the rows get into nothing that a run of the crew leaves."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.job import FineTuneJob, Studio
from tests.agents.crew_model import CrewModel
from tests.agents.whole_run import run
from tests.listener import Listener
from tools.data.version_record import find_record

SECRET = "ghp_" + "q7R8s9T0u1V2" * 3  # put together here, or scanners take it for a leak
EMAIL = "lena.brandt@werkstatt-nord.de"
SAID = f"My token is {SECRET}, and I am {EMAIL}."
FAULTY = (
    *((f"Row {row}: say red. {SAID}", "red") for row in range(500, 540)),
    *((f"Row {row}: who am I?", SAID) for row in range(540, 560)),
    ("Row 560: say red.", f"{SAID} "),
    ("Row 560: say red.", f" {SAID}"),
    (f"Say nothing. {SAID}", ""),
    (SAID, SAID),
)
LEARNT = ".safetensors"  # numbers, in which no text can be looked for


@pytest.mark.slow
@pytest.mark.parametrize("scripted", [False, True], ids=["rules", "model"])
def test_a_crew_run_leaves_no_private_value_behind(
    studio: Studio,
    job: FineTuneJob,
    colour_file: Path,
    tmp_path: Path,
    scripted: bool,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    with colour_file.open("a", encoding="utf-8") as file:
        lines = ({"prompt": prompt, "completion": answer} for prompt, answer in FAULTY)
        file.writelines(f"{json.dumps(one)}\n" for one in lines)
    llm = CrewModel(model="scripted", replies=[""]) if scripted else None

    verdict = run(replace(studio, llm=llm), job)

    assert isinstance(studio.progress, Listener)
    printed = capfd.readouterr()
    told = [
        *studio.progress.logs,
        caplog.text,
        printed.out,
        printed.err,
        *(llm.told if llm else []),
    ]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    private = {colour_file, *_before_the_redaction(studio)}
    holding = [
        path
        for path in written
        if path.suffix != LEARNT and _holds_canary(path.read_bytes().decode(errors="replace"))
    ]
    assert len(private) >= 2
    assert set(holding) == private
    assert [text for text in told if _holds_canary(text)] == []
    assert (studio.workspace.run(verdict.run_id) / "receipts").is_dir()
    assert list((tmp_path / "mlruns").rglob("*")) != []


def _before_the_redaction(studio: Studio) -> set[Path]:
    """Return the versions that hold the rows as the user gave them: the import, and it cleaned."""
    folder = studio.workspace.datasets
    records = ((path, find_record(folder, path.stem)) for path in folder.glob("*.jsonl"))
    return {path for path, one in records if one and one.step["kind"] in {"import", "clean"}}


def _holds_canary(text: str) -> bool:
    return any(one.lower() in text.lower() for one in (SECRET, EMAIL))
