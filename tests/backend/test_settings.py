import subprocess
import sys
from pathlib import Path

import pytest

from backend.settings import Settings, worker_environment

ROOT = Path(__file__).parents[2]
ASK = (
    "from backend.settings import Settings, use_endpoint; use_endpoint(Settings(_env_file=None)); "
    "from huggingface_hub import constants; print(constants.ENDPOINT)"
)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, "https://huggingface.co"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9/mirror"}, "http://127.0.0.1:9/mirror"),
    ],
)
def test_a_worker_asks_the_public_hub_unless_a_mirror_is_set(
    given: dict[str, str], asked: str
) -> None:
    environment = worker_environment(Settings(_env_file=None, **given))

    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True
    )

    assert (done.stdout.strip(), done.returncode) == (asked, 0), done.stderr
