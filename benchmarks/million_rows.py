"""A million short rows: how fast and in how much memory they are imported, checked and compared.

`python -m benchmarks.million_rows` runs each part in a process of its own, says its rows a second
and the most memory it held, and ends with 1 when import, validation and the removal of repeats take
more than the bound together, or when that removal is slower than the same one with `datasets`.

Both sides read the same JSON Lines file of conversations, compare what is left of each row without
case, white space and Unicode variants, and write the rows that stay to the disk. `datasets` does it
by `map` in batches of its usual size that return fewer rows, with a set of digests.
"""

import argparse
import hashlib
import json
import multiprocessing
import random
import resource
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from benchmarks.figures import say, show_machine
from tools.data.conversation_text import normalised_text
from tools.data.deduplicate import deduplicate
from tools.data.import_dataset import import_dataset
from tools.data.near_duplicates import find_near_duplicates
from tools.data.validate_dataset import validate

_REPEATED = 10  # each tenth row repeats an earlier one
_KIBIBYTES = 1024


class Measured(BaseModel):
    """What one part took."""

    model_config = ConfigDict(frozen=True)

    part: str
    rows: int
    left: int
    seconds: float
    peak_mib: float

    @property
    def rate(self) -> float:
        """Return the rows a second."""
        return self.rows / self.seconds


def main() -> int:
    """Measure all parts, print the table, and return 0 when the bounds are kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.million_rows", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--bound-mib", type=float, default=1536, help="of memory")
    parser.add_argument("--times", type=int, default=3, help="both removals, the best counts")
    parser.add_argument("--near", action="store_true", help="look for near duplicates, too")
    given = parser.parse_args()
    show_machine()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure(write_rows, folder, given.rows)
        parts = [measure(prepare, folder, given.rows)]
        # In turns, so that what else the machine does falls on both sides.
        sides = [
            (
                measure(remove_repeats, folder, given.rows),
                measure(with_datasets, folder, given.rows),
            )
            for _ in range(given.times)
        ]
        parts += [min(side, key=lambda one: one.seconds) for side in zip(*sides, strict=True)]
        if given.near:
            parts.append(measure(look_for_near, folder, given.rows))
    _show(parts)
    ratio = parts[1].rate / parts[2].rate
    say(f"\nRemoval of repeats against datasets: {ratio:.2f} times as many rows a second.")
    return 0 if parts[0].peak_mib <= given.bound_mib and ratio >= 1 else 1


def _show(parts: list[Measured]) -> None:
    say("| part | rows/s | seconds | most memory, MiB | rows left |\n|---|---:|---:|---:|---:|")
    for one in parts:
        say(
            f"| {one.part} | {one.rate:,.0f} | {one.seconds:.1f} | {one.peak_mib:,.0f} | "
            f"{one.left:,} |"
        )


def measure(work: Callable[[Path, int], int], folder: Path, rows: int) -> Measured:
    """Do `work` in a new process, and return what it took there."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        left, seconds, peak = pool.submit(_timed, work, folder, rows).result()
    part = str(work.__doc__).partition(".")[0]
    return Measured(part=part, rows=rows, left=left, seconds=seconds, peak_mib=peak)


def prepare(folder: Path, rows: int) -> int:
    """Import, validate and remove repeats."""
    import_dataset(folder / "rows.jsonl", folder / "versions")
    if validate(_imported(folder)).rows_usable != rows:
        raise RuntimeError("All rows should be usable.")
    return deduplicate(_imported(folder), folder / "made").rows_kept


def remove_repeats(folder: Path, _: int) -> int:
    """Remove repeats."""
    return deduplicate(_imported(folder), folder / "removed").rows_kept


def with_datasets(folder: Path, _: int) -> int:
    """Remove repeats with datasets."""
    from datasets import disable_progress_bars, load_dataset

    disable_progress_bars()
    loaded = load_dataset(
        "json",
        data_files=str(_imported(folder)),
        split="train",
        cache_dir=str(_empty(folder / "cache")),
    )
    seen: set[bytes] = set()

    def fewer(batch: dict[str, list[object]]) -> dict[str, list[object]]:
        kept = [new(messages) for messages in batch["messages"]]
        return {
            name: [one for one, stays in zip(values, kept, strict=True) if stays]
            for name, values in batch.items()
        }

    def new(messages: object) -> bool:
        digest = _digest(messages)
        known = digest in seen
        seen.add(digest)
        return not known

    return len(loaded.map(fewer, batched=True))


def look_for_near(folder: Path, rows: int) -> int:
    """Look for near duplicates."""
    return rows - find_near_duplicates(_imported(folder)).rows_in_clusters


def write_rows(folder: Path, rows: int) -> int:
    """Write the rows to import."""
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(_lines(rows))
    return rows


def _lines(rows: int) -> Iterator[str]:
    dice = random.Random(1)
    words = ["".join(dice.choices("abdegiklmnoprstu", k=2 + n % 8)) for n in range(5000)]
    recent: deque[str] = deque(maxlen=1000)
    for number in range(rows):
        if number % _REPEATED == _REPEATED - 1:
            yield dice.choice(recent)
            continue
        question = f"What have {' '.join(dice.choices(words, k=7))} in common, case {number}?"
        answer = f"{' '.join(dice.choices(words, k=14)).capitalize()}."
        row = {"instruction": question, "input": "", "output": answer}
        recent.append(f"{json.dumps(row)}\n")
        yield recent[-1]


def _timed(work: Callable[[Path, int], int], folder: Path, rows: int) -> tuple[int, float, float]:
    if work is with_datasets:
        import datasets  # noqa: F401 - that it takes seconds to load does not count

    began = time.perf_counter()
    left = work(folder, rows)
    seconds = time.perf_counter() - began
    return left, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIBIBYTES


def _imported(folder: Path) -> Path:
    return next((folder / "versions").glob("*.jsonl"))


def _empty(folder: Path) -> Path:
    """Return `folder` without what an earlier round left there."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def _digest(messages: object) -> bytes:
    if not isinstance(messages, list):
        raise TypeError("Messages are a list.")
    key = repr([(one["role"], normalised_text(one["content"])) for one in messages])
    return hashlib.blake2b(key.encode(), digest_size=16).digest()


if __name__ == "__main__":
    sys.exit(main())
