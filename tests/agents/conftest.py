from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.desk import BaseModelName, Desk
from agents.job import FineTuneJob, Studio
from tests.agents.scripted_llm import ScriptedLLM
from tests.colours import colour_chats
from tests.listener import Listener
from tools.data.conversation import write_version
from tools.data.import_dataset import import_dataset
from tools.data.split_dataset import split_dataset
from tools.tracking.store import TrackingStore
from tools.workspace import Workspace


@pytest.fixture
def studio(workspace: Workspace, tmp_path: Path) -> Studio:
    store = TrackingStore(
        tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}", artifact_root=tmp_path / "mlruns"
    )
    return Studio(workspace=workspace, store=store, progress=Listener())


@pytest.fixture
def colour_file(tmp_path: Path) -> Path:
    """160 rows in the prompt-completion format: 4 repeats, one empty answer, one e-mail address."""
    rows = [(one.messages[0].content, one.answer) for one in colour_chats(160)]
    rows += [*rows[:4], ("Say nothing.", ""), ("Write to anna@farben.org.", "red")]
    lines = (f'{{"prompt": "{prompt}", "completion": "{answer}"}}\n' for prompt, answer in rows)
    path = tmp_path / "colours.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def job(colour_file: Path, tiny_model: Path) -> FineTuneJob:
    return FineTuneJob(model=str(tiny_model), dataset=str(colour_file), goal="Say the colour.")


@pytest.fixture
def empty_desk(studio: Studio, job: FineTuneJob) -> Callable[..., Desk]:
    """Lay desks of new runs. `replies` are those of a scripted model, `changed` is of the job."""

    def lay(*replies: Any, **changed: Any) -> Desk:
        llm = ScriptedLLM(model="scripted", replies=[*replies]) if replies else None
        asked = job.model_copy(update=changed)
        return Desk(replace(studio, llm=llm), asked, studio.workspace.new_run())

    return lay


@pytest.fixture
def prepared_desk(empty_desk: Callable[..., Desk]) -> Callable[..., Desk]:
    """Lay desks on which the Data Manager's work is done, with 160 rows."""

    def lay(*replies: Any) -> Desk:
        desk = empty_desk(*replies)
        folder = desk.studio.workspace.datasets
        version = write_version(folder, "colours", colour_chats(160))
        desk.keep(BaseModelName(name="tiny", sha256="ab" * 32))
        desk.keep(import_dataset(Path(desk.job.dataset), folder))
        desk.keep(split_dataset(version, folder))
        return desk

    return lay
