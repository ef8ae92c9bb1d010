"""What comes with CrewTune, so that everything can be tried at once."""

import fcntl
import time
from pathlib import Path
from typing import TextIO

from tools.progress import Progress

TINY = "tiny-instruct"
_FOLDER = Path(__file__).parent.parent / "data" / "samples"
REQUESTS = str(_FOLDER / "refrigeration_requests.jsonl")
_PRETRAINING_TEXT = _FOLDER / "pretraining_text.txt"
_TINY_BYTES = 50_000_000  # to build it; it keeps a tenth


def build_tiny(models: Path, progress: Progress) -> None:
    """Build the bundled base model in the folder `models`, once. Who comes second waits."""
    from tools.training.check_space import check_space
    from tools.training.pretrain import pretrain

    target = models / TINY
    with (models / f".{TINY}.lock").open("w", encoding="utf-8") as lock:
        while not _locked(lock):
            progress.check()
            time.sleep(0.2)
        if not target.exists():
            check_space(models, _TINY_BYTES)
            progress.log(f"Building the bundled base model {TINY}, once.")
        pretrain(target, _PRETRAINING_TEXT, progress=progress)


def _locked(lock: TextIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
