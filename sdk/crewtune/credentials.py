"""What signs requests, and where it is kept: in memory, or in a file that only its owner may read.

A refresh token works once, and its second use signs out. So whoever exchanges one holds the
store's lock meanwhile: two commands at the same time do not sign each other out.

Not covered: a keyring of the system.
"""

import contextlib
import json
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from pydantic import Field, SecretStr, ValidationError, field_serializer

from crewtune.frozen import Frozen


class Credentials(Frozen):
    """What signs requests to one studio. Printed, it shows no secret."""

    username: str | None = None
    access_token: SecretStr | None = None
    refresh_token: SecretStr | None = None
    api_key: SecretStr | None = None

    @property
    def signature(self) -> str | None:
        """What is sent with every request."""
        secret = self.api_key or self.access_token
        return secret.get_secret_value() if secret else None


class TokenStore(Protocol):
    """Keeps the credentials for one studio. `save` and `clear` are called inside `lock`."""

    def load(self) -> Credentials | None:
        """Return what is kept, if anything is."""

    def save(self, credentials: Credentials) -> None:
        """Keep `credentials` in the place of what was kept."""

    def clear(self) -> None:
        """Keep nothing any more."""

    def lock(self) -> AbstractContextManager[object]:
        """Keep everybody else from changing what is kept."""


class MemoryStore:
    """Keeps credentials for as long as it lives."""

    def __init__(self, credentials: Credentials | None = None) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()

    def load(self) -> Credentials | None:
        """Return what is kept, if anything is."""
        return self._credentials

    def save(self, credentials: Credentials) -> None:
        """Keep `credentials`."""
        self._credentials = credentials

    def clear(self) -> None:
        """Keep nothing any more."""
        self._credentials = None

    def lock(self) -> AbstractContextManager[object]:
        """Keep other threads from changing what is kept."""
        return self._lock


class _Saved(Credentials):
    """Credentials as they stand in the file."""

    @field_serializer("access_token", "refresh_token", "api_key", when_used="json")
    def _reveal(self, secret: SecretStr | None) -> str | None:
        return secret.get_secret_value() if secret else None


class _Content(Frozen):
    current: str | None = Field(default=None, description="The studio signed in to last.")
    studios: dict[str, _Saved] = Field(default_factory=dict)


class FileStore:
    """Keeps the credentials for the studio at `url` in a JSON file, beside those for others.

    Example:
        Studio(url, store=FileStore(Path.home() / ".config/crewtune/credentials.json", url))
    """

    def __init__(self, path: Path, url: str) -> None:
        self._path = path
        self._url = url.rstrip("/")

    def load(self) -> Credentials | None:
        """Return what is kept, if anything is."""
        kept = _read(self._path).studios.get(self._url)
        return None if kept is None else Credentials.model_validate(dict(kept))

    def save(self, credentials: Credentials) -> None:
        """Keep `credentials`, and this studio as the one signed in to last."""
        saved = _Saved.model_validate(dict(credentials))
        studios = {**_read(self._path).studios, self._url: saved}
        _write(self._path, _Content(current=self._url, studios=studios))

    def clear(self) -> None:
        """Keep nothing for this studio any more."""
        content = _read(self._path)
        studios = {url: kept for url, kept in content.studios.items() if url != self._url}
        current = None if content.current == self._url else content.current
        _write(self._path, _Content(current=current, studios=studios))

    def lock(self) -> AbstractContextManager[object]:
        """Keep other processes and threads from changing the file."""
        return _locked(self._path.with_suffix(".lock"))


def current_url(path: Path) -> str | None:
    """Return the address of the studio signed in to last, by the file at `path`."""
    return _read(path).current


def _read(path: Path) -> _Content:
    try:
        return _Content.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return _Content()
    except ValidationError:
        # Cut off or changed by hand: signing in writes it anew.
        return _Content()


def _write(path: Path, content: _Content) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    data: dict[str, Any] = content.model_dump(mode="json", exclude_none=True)
    # `mkstemp` makes a file that only its owner may read; renaming keeps it so.
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=".credentials-")
    try:
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a", encoding="utf-8") as file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
