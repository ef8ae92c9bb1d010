"""Write files so that they are complete or absent, and name them by their content."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from tools.errors import WorkspaceError

_DIGITS = 12


def write_text(path: Path, text: str) -> None:
    """Replace `path` with `text` in one step: a reader sees the old file or the new one.

    Raises:
        WorkspaceError: The disk is full, or the folder may not be written.
    """

    def write(file: BinaryIO) -> Path:
        file.write(text.encode())
        return path

    _write_aside(path.parent, path.name, write)


def write_named_by_hash(folder: Path, label: str, suffix: str, pieces: Iterable[str]) -> Path:
    """Write `pieces` to `<label>-<first 12 hex digits of their SHA-256><suffix>`.

    They are written as they come and never held together in memory. A file of that name with the
    same content is replaced by the same.

    Raises:
        WorkspaceError: The disk is full, or the folder may not be written.
    """

    def write(file: BinaryIO) -> Path:
        digest = hashlib.sha256()
        for piece in pieces:
            data = piece.encode()
            digest.update(data)
            file.write(data)
        return folder / f"{label}-{digest.hexdigest()[:_DIGITS]}{suffix}"

    return _write_aside(folder, label, write)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of the file's bytes as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_aside(folder: Path, name: str, write: Callable[[BinaryIO], Path]) -> Path:
    """Let `write` fill a new file, which then takes the place of the path that it returns."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
    except OSError as error:
        raise _unwritten(name, error) from error
    try:
        with os.fdopen(handle, "wb") as file:
            path = write(file)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except OSError as error:
        Path(aside).unlink(missing_ok=True)
        raise _unwritten(name, error) from error
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    return path


def _unwritten(name: str, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"The file {name!r} cannot be written: {error.strerror}. Free some space on the disk, or "
        "give the right to write to its folder."
    )
