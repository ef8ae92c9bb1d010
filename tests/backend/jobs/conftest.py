from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend.jobs.studio import Studio


@pytest.fixture
def studio(tmp_path: Path, tiny_model: Path) -> Iterator[Studio]:
    """A studio with a model, the dataset `colours`, and a dispatcher at work."""
    made = Studio(tmp_path, tiny_model)
    made.add_colours()
    made.dispatcher.start()
    yield made
    made.close()
