"""Write files so that they are complete or absent, and name them by their content."""

import hashlib
import os
import tempfile
from pathlib import Path

from tools.errors import WorkspaceError


def write_text(path: Path, text: str) -> None:
    """Replace `path` with `text` in one step: a reader sees the old file or the new one.

    Raises:
        WorkspaceError: The disk is full, or the folder may not be written.
    """
    try:
        _replace(path, text)
    except OSError as error:
        raise WorkspaceError(
            f"The file {path.name!r} cannot be written: {error.strerror}. Free some space on the "
            "disk, or give the right to write to its folder."
        ) from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
