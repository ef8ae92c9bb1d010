"""Find out whether a folder has room for what is about to be written, before work begins."""

import shutil
import tempfile
from pathlib import Path

from tools.errors import WorkspaceError
from tools.hub.check_model_folder import ModelFacts
from tools.training.estimate_memory import adapter_parameters
from tools.training.recipe import Recipe

# Two checkpoints are kept while a third is written; the adapter at the end makes the fourth.
_COPIES = 4
# Adapter and two moments of AdamW, in float32.
_BYTES_PER_PARAMETER = 12
# Tokenizer in each checkpoint, logs, answers and reports.
_SMALL_FILES_BYTES = 100_000_000


def check_space(folder: Path, bytes_needed: int) -> None:
    """Make sure that `folder` can be written and has room for `bytes_needed`.

    Raises:
        WorkspaceError: It cannot be written, or the disk has too little room.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # A read-only disk, a quota or missing rights show only when something is written.
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".space-") as file:
            file.write(b"\0" * 4096)
            file.flush()
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise WorkspaceError(
            f"The folder {folder.name!r} cannot be written: {error.strerror}. Give the right to "
            "write to it, or choose another workspace."
        ) from error
    if free < bytes_needed:
        raise WorkspaceError(
            f"The disk has {_size(free)} free and {_size(bytes_needed)} are needed. Delete old "
            "runs or models, or choose a workspace on another disk."
        )


def space_needed(model: ModelFacts, recipe: Recipe) -> int:
    """Return how many bytes a training run writes at most."""
    return _COPIES * _BYTES_PER_PARAMETER * adapter_parameters(model, recipe) + _SMALL_FILES_BYTES


def _size(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"
