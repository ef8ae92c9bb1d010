"""How fast a LoRA adapter is trained, against other trainers, on this machine.

`python -m benchmarks.train_speed` makes a Llama-shaped model with random weights and chats whose
lengths are spread as those of real ones, and trains on them with CrewTune and with TRL's
`SFTTrainer`, its defaults and its best: the same rows, the same number of rows a step. Each run is
a process of its own, in turns; the median of the runs counts. `--llamafactory PYTHON` and
`--unsloth PYTHON` add those trainers, each from an environment of its own.

Told are the tokens of rows a second, padding not counted, in the second of two epochs; the most
memory a process held; and the seconds from its start to the end of its first step. It ends with 1
when CrewTune is slower than the bound.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.figures import say, show_machine

_CONTENDERS = Path(__file__).parent / "contenders"
_ROOT = Path(__file__).parents[1]
_LOGNORMAL = (5.0, 0.9)  # of the words of a chat: 148 in the middle, and a long tail
_LONGEST_WORDS = 1500


class Contender(NamedTuple):
    """A trainer in a setting."""

    name: str
    command: tuple[str, ...]
    best: bool


class Found(NamedTuple):
    """What the runs of a contender found, medians."""

    tokens_per_second: float
    peak_gib: float
    first_step_after: float


def main() -> int:
    """Measure all contenders, print the table, and return 0 when the bound is kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.train_speed", description=__doc__)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--times", type=int, default=3, help="runs of each contender")
    parser.add_argument("--hidden", type=int, default=384)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16")
    parser.add_argument("--gpu", action="store_true", help="train on the first GPU")
    parser.add_argument("--bound", type=float, default=3.5, help="times TRL's default")
    parser.add_argument("--llamafactory", help="the Python that has LLaMA-Factory")
    parser.add_argument("--unsloth", help="the Python that has Unsloth")
    given = parser.parse_args()
    show_machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokens = prepare(folder, given)
        found = race(folder, contenders(given), setting(given), tokens=tokens, times=given.times)
    show(found)
    ratio = found["CrewTune"].tokens_per_second / found["TRL, defaults"].tokens_per_second
    say(f"CrewTune trains {ratio:.2f} times as fast as TRL's default; the bound is {given.bound}.")
    return 0 if ratio >= given.bound else 1


def setting(given: argparse.Namespace) -> dict[str, Any]:
    """Return what all contenders are given."""
    return {
        "rank": 16,
        "alpha": 32,
        "learning_rate": 2e-4,
        "batch": 2,
        "accumulation": 4,
        "max_length": 2048,
        "bf16": given.bf16,
        "gpu": given.gpu,
    }


def contenders(given: argparse.Namespace) -> list[Contender]:
    """Return who takes part."""
    ours = (sys.executable, "-m", "benchmarks.contenders.crewtune")
    trl = (sys.executable, str(_CONTENDERS / "trl_default.py"))
    found = [
        Contender("CrewTune", ours, best=True),
        Contender("TRL, defaults", trl, best=False),
        Contender("TRL, best", trl, best=True),
    ]
    for name, python in (("LLaMA-Factory", given.llamafactory), ("Unsloth", given.unsloth)):
        script = str(_CONTENDERS / f"{name.replace('-', '').lower()}.py")
        if python:
            found.append(Contender(f"{name}, defaults", (python, script), best=False))
            found.append(Contender(f"{name}, best", (python, script), best=True))
    return found


def race(
    folder: Path,
    contenders: Sequence[Contender],
    setting: dict[str, Any],
    *,
    tokens: int,
    times: int,
) -> dict[str, Found]:
    """Run every contender so many times, in turns, and return the medians by name."""
    runs: dict[str, list[dict[str, Any]]] = {one.name: [] for one in contenders}
    for _ in range(times):
        for one in contenders:
            say(f"{one.name} ...")
            runs[one.name].append(run(one, folder, {**setting, "best": one.best}))
    return {name: medians(found, tokens) for name, found in runs.items()}


def run(contender: Contender, folder: Path, setting: dict[str, Any]) -> dict[str, Any]:
    """Return what one run told."""
    done = subprocess.run(
        [*contender.command, str(folder), json.dumps(setting)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{contender.name} failed:\n{done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout.rstrip().split("\n")[-1])
    return told


def medians(runs: Sequence[dict[str, Any]], tokens: int) -> Found:
    """Return the medians of some runs of two epochs. The first warms everything up."""
    seconds = [sum(one["step_seconds"][len(one["step_seconds"]) // 2 :]) for one in runs]
    return Found(
        tokens / median(seconds),
        median(one["peak_gib"] for one in runs),
        median(one["first_step_after"] for one in runs),
    )


def show(found: dict[str, Found]) -> None:
    """Print the table as Markdown, for the page about performance."""
    base = found["TRL, defaults"].tokens_per_second
    say("| trainer | tokens/s | x TRL's default | peak GiB | start to first step, s |")
    say("|---|---:|---:|---:|---:|")
    for name, one in found.items():
        say(
            f"| {name} | {one.tokens_per_second:,.0f} | {one.tokens_per_second / base:.2f} | "
            f"{one.peak_gib:.1f} | {one.first_step_after:.1f} |"
        )


def prepare(folder: Path, given: argparse.Namespace) -> int:
    """Write the model and the rows to `folder`, and return the tokens of all rows."""
    import torch

    from tools.data.conversation import read_conversations
    from tools.training.encode import encode
    from tools.training.tiny_model import TinySize, build_tiny_network, build_tiny_tokenizer

    draw = random.Random(7)
    words = ["".join(draw.choices("abcdefghijklmnop", k=draw.randrange(2, 9))) for _ in range(4000)]
    text = " ".join(draw.choices(words, k=200_000))
    size = TinySize(
        vocabulary=8000,
        hidden=given.hidden,
        intermediate=given.hidden * 8 // 3,
        layers=given.layers,
        heads=given.hidden // 64,
        positions=4096,
    )
    tokenizer = build_tiny_tokenizer([text], size)
    torch.manual_seed(0)
    build_tiny_network(tokenizer, size).save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    rows = [_chat(words, draw) for _ in range(given.rows)]
    for name, some in (("rows.jsonl", rows), ("few.jsonl", rows[:2])):
        lines = (json.dumps({"messages": one, "row": n}) for n, one in enumerate(some, start=1))
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    encoded = encode(read_conversations(folder / "rows.jsonl"), tokenizer)
    return sum(len(row.input_ids) for row in encoded)


def _chat(words: Sequence[str], draw: random.Random) -> list[dict[str, str]]:
    count = min(_LONGEST_WORDS, max(8, int(draw.lognormvariate(*_LOGNORMAL))))
    said = draw.choices(words, k=count)
    return [
        {"role": "user", "content": " ".join(said[: count // 2])},
        {"role": "assistant", "content": " ".join(said[count // 2 :])},
    ]


if __name__ == "__main__":
    sys.exit(main())
