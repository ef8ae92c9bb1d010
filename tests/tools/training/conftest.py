from pathlib import Path

import pytest

from tools.hub.resolve_model import ModelSource, resolve_model
from tools.training.load_model import LoadedModel, load_model
from tools.workspace import Workspace


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the recorded trajectories be written anew."""
    parser.addoption("--record-trajectories", action="store_true", help="write them anew")


@pytest.fixture
def source(tiny_model: Path, workspace: Workspace) -> ModelSource:
    return resolve_model(str(tiny_model), workspace=workspace)


@pytest.fixture
def loaded(source: ModelSource) -> LoadedModel:
    return load_model(source)
