"""What every test shares. Telemetry is off before a library that has some is imported."""

import os
from pathlib import Path

import pytest

from backend.samples import TINY, build_tiny
from backend.settings import quiet_libraries
from tests.colours import WORDS, colour_chats
from tools.data.conversation import write_version
from tools.progress import NoProgress
from tools.workspace import Workspace

quiet_libraries()
if "PYTEST_XDIST_WORKER" in os.environ:
    # As many tests as processors at once: two threads each would wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
# No test asks the real Hub for anything; those that need a Hub start their own.
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "data")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a few thousand parameters with a chat template, made in about a second."""
    from tools.training.pretrain import pretrain
    from tools.training.tiny_model import TinySize

    folder = tmp_path_factory.mktemp("models")
    text = folder / "text.txt"
    asked = (f"User: Row 1: say {word}.\nAssistant: {word}" for word in WORDS * 20)
    told = (f"The colour of row {row} is {word}." for row, word in enumerate(WORDS * 20))
    text.write_text("\n\n".join([*asked, *told]), encoding="utf-8")
    size = TinySize(
        vocabulary=320, hidden=32, intermediate=64, layers=2, heads=2, positions=128, steps=5
    )
    pretrain(folder / "tiny", text, size=size)
    return folder / "tiny"


@pytest.fixture(scope="session")
def tiny_instruct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model, as `make demo` left it here, or else built: that takes a minute."""
    left = Path(__file__).parents[1] / "data" / "models" / TINY
    if left.is_dir():
        return left
    models = tmp_path_factory.mktemp("bundled")
    build_tiny(models, NoProgress())
    return models / TINY


@pytest.fixture
def colours(workspace: Workspace) -> tuple[Path, Path]:
    """Dataset versions of 64 rows to train on and 16 to watch the loss on."""
    rows = colour_chats(80)
    return (
        write_version(workspace.datasets, "colours-train", rows[:64]),
        write_version(workspace.datasets, "colours-validation", rows[64:]),
    )
