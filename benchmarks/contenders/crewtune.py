"""CrewTune as it comes: the recommended switches, the given recipe."""

import json
import sys
from pathlib import Path

from benchmarks.contenders.stopwatch import Stopwatch
from tools.hub.resolve_model import resolve_model
from tools.progress import NoProgress
from tools.training.learner import Learner
from tools.training.recipe import Recipe
from tools.training.train import train
from tools.workspace import Workspace


def main(folder: Path, setting: dict[str, float]) -> None:
    """Train on the rows in `folder`, and tell how long the steps took."""
    watch, losses = Stopwatch(), []
    step = Learner.step

    def timed(learner, examples, rate, number):  # type: ignore[no-untyped-def]
        watch.begin()
        taken = step(learner, examples, rate, number)
        watch.end()
        losses.append(taken.loss)
        return taken

    Learner.step = timed  # type: ignore[method-assign, assignment]
    model = resolve_model(str(folder / "model"), workspace=Workspace(folder / "data"))
    recipe = Recipe(
        model_name_or_path=model.name,
        r=int(setting["rank"]),
        lora_alpha=int(setting["alpha"]),
        learning_rate=setting["learning_rate"],
        num_train_epochs=2,
        per_device_train_batch_size=int(setting["batch"]),
        gradient_accumulation_steps=int(setting["accumulation"]),
        max_length=int(setting["max_length"]),
        bf16=bool(setting["bf16"]),
    )
    rows = (folder / "rows.jsonl", folder / "few.jsonl")
    train(recipe, model, rows, folder / "crewtune", progress=NoProgress())
    watch.tell(losses)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
