from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend.faults.served import Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Iterator[Served]:
    """A studio of two training slots, with the dataset `colours` in it."""
    studio = Served(tmp_path_factory.mktemp("studio"), tiny_model, CREWTUNE_GPU_SLOTS="2")
    studio.add_colours()
    yield studio
    studio.close()
