from pathlib import Path

import pytest
from crewai.llms.base_llm import BaseLLM

from agents.job import FineTuneJob, Studio
from tests.colours import colour_chats
from tests.listener import Listener
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
    rows += [*rows[:4], ("Say nothing.", ""), ("Write to anna@example.com.", "red")]
    lines = (f'{{"prompt": "{prompt}", "completion": "{answer}"}}\n' for prompt, answer in rows)
    path = tmp_path / "colours.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def job(colour_file: Path, tiny_model: Path) -> FineTuneJob:
    return FineTuneJob(model=str(tiny_model), dataset=str(colour_file), goal="Say the colour.")


def with_model(studio: Studio, llm: BaseLLM) -> Studio:
    """Return `studio` with a language model configured."""
    from dataclasses import replace

    return replace(studio, llm=llm)
