"""Checkpoints that are complete or absent.

A checkpoint is written aside, sealed with `MANIFEST.json` (step, recipe, and the size and SHA-256
of every file) and then renamed into place. Only a sealed checkpoint whose files still match is
resumed from: transformers alone goes on silently without its optimiser, or with a flipped bit.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tools.files import sha256_of, write_text
from tools.training.check_adapter import ADAPTER_WEIGHTS

MANIFEST = "MANIFEST.json"
_REQUIRED = (
    ADAPTER_WEIGHTS,
    "optimizer.pt",
    "state.json",
)


@dataclass(frozen=True)
class Checkpoints:
    """Where a training keeps its checkpoints."""

    folder: Path
    fingerprint: str


class Manifest(BaseModel):
    """What a sealed checkpoint holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    fingerprint: str  # of recipe, base model, rows and library versions: see `train`
    files: dict[str, tuple[int, str]]  # name -> size in bytes, SHA-256


def seal(aside: Path, target: Path, *, step: int, fingerprint: str) -> None:
    """Add the manifest to the checkpoint in `aside` and move it to `target`."""
    files = {}
    for path in sorted(aside.rglob("*")):
        if path.is_file():
            _sync(path)
            files[path.relative_to(aside).as_posix()] = (path.stat().st_size, sha256_of(path))
    manifest = Manifest(step=step, fingerprint=fingerprint, files=files)
    write_text(aside / MANIFEST, manifest.model_dump_json(indent=1))
    _sync(aside)
    shutil.rmtree(target, ignore_errors=True)
    aside.rename(target)
    _sync(target.parent)


def damage(checkpoint: Path, fingerprint: str) -> str | None:
    """Return what is wrong with `checkpoint`, or None when it may be resumed from."""
    try:
        manifest = Manifest.model_validate_json((checkpoint / MANIFEST).read_text(encoding="utf-8"))
    except OSError:
        return "it was not finished"
    except (ValidationError, UnicodeDecodeError):
        return "its manifest is damaged"
    if manifest.fingerprint != fingerprint:
        return "it belongs to another recipe, base model or dataset"
    for name in {*_REQUIRED, *manifest.files}:
        size, digest = manifest.files.get(name, (-1, ""))
        path = checkpoint / name
        if not path.is_file() or path.stat().st_size != size or sha256_of(path) != digest:
            return f"its file {name} is missing or damaged"
    return None


def newest_sound(folder: Path, fingerprint: str, tell: Callable[[str], None]) -> Path | None:
    """Return the newest checkpoint in `folder` that is whole; `tell` about each one passed over."""
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=_step, reverse=True):
        problem = damage(checkpoint, fingerprint)
        if problem is None:
            return checkpoint
        tell(f"Checkpoint at step {_step(checkpoint)} is passed over: {problem}.")
    return None


def rotate(folder: Path, *, keep: int, also: int | None = None) -> None:
    """Delete all but the `keep` newest checkpoints, and the one of the step `also`."""
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=_step, reverse=True)[keep:]:
        if _step(checkpoint) != also:
            shutil.rmtree(checkpoint, ignore_errors=True)


def fingerprint_of(*parts: object) -> str:
    """Return a short hash of what must be equal for a checkpoint to fit, as JSON."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _step(checkpoint: Path) -> int:
    digits = checkpoint.name.rpartition("-")[2]
    return int(digits) if digits.isdigit() else -1


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
