"""A training that is killed at any step and called again ends as if nothing had happened."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.hub.resolve_model import ModelSource
from tools.training.recipe import Recipe

pytestmark = pytest.mark.prove

ROOT = Path(__file__).parents[3]
KILLS = 20
# One process has the libraries; each training is a fork of it, which is killed and forked again.
SCRIPT = """
import json, os, random, signal, sys
from pathlib import Path

import peft, torch, transformers
from tests.listener import Listener
from tools.hub.resolve_model import ModelSource
from tools.training.recipe import Recipe
from tools.training.train import train

given = json.loads(sys.stdin.read())
recipe = Recipe.model_validate(given["recipe"])
source = ModelSource.model_validate(given["source"])
rows = tuple(map(Path, given["rows"]))
folder = Path(given["folder"])


class KilledAt(Listener):
    def __init__(self, step):
        super().__init__()
        self.left = step

    def check(self):
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def run(name, step):
    child = os.fork()
    if child == 0:
        try:
            report = train(recipe, source, rows, folder / name, progress=KilledAt(step))
            (folder / f"{name}.json").write_text(report.model_dump_json())
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


draw = random.Random(11)
assert run("whole", -1) == 0
for number in range(given["kills"]):
    step = draw.randrange(1, given["steps"])
    assert run(str(number), step) == -signal.SIGKILL, f"not killed at {step}"
    assert run(str(number), -1) == 0
"""


def test_killed_at_twenty_random_steps_the_loss_and_the_weights_are_the_same(
    source: ModelSource, colours: tuple[Path, Path], tmp_path: Path
) -> None:
    recipe = Recipe(
        model_name_or_path=source.name,
        r=4,
        lora_alpha=8,
        lora_dropout=0.1,
        learning_rate=5e-3,
        num_train_epochs=4,
        per_device_train_batch_size=8,
        max_length=128,
    )
    given = {
        "recipe": recipe.model_dump(mode="json"),
        "source": source.model_dump(mode="json"),
        "rows": [str(path) for path in colours],
        "folder": str(tmp_path),
        "kills": KILLS,
        "steps": 32,
    }

    subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps(given), text=True, cwd=ROOT, check=True
    )

    reports = {path.stem: json.loads(path.read_text("utf-8")) for path in tmp_path.glob("*.json")}
    whole = reports.pop("whole")
    assert len(reports) == KILLS
    assert [one["eval_loss"] for one in reports.values()] == pytest.approx(
        [whole["eval_loss"]] * KILLS, abs=1e-4
    )
    assert {one["adapter_sha256"] for one in reports.values()} == {whole["adapter_sha256"]}
