"""The secret that signs access tokens: the one that is set, or one made once and kept."""

import os
from pathlib import Path
from secrets import token_urlsafe
from tempfile import mkstemp

from pydantic import SecretStr

from backend.settings import SettingsError

_LEAST_BYTES = 32
_LEAST_DIFFERENT = 8
# Somebody's public key is no secret, though libraries have accepted one as such.
_KEY_FILES = (b"-----BEGIN", b"ssh-", b"ecdsa-")
_DER = (b"\x30\x81", b"\x30\x82")
_FILE = "secret.key"


class WeakSecret(SettingsError):
    """The secret could be guessed, or is a public key."""


def signing_secret(given: SecretStr | None, data_dir: Path) -> bytes:
    """Return the secret that is set, else the one kept in `data_dir`, which is made when missing.

    Raises:
        WeakSecret: It could be guessed. The message never shows it.
    """
    if given is not None:
        return check_secret(given.get_secret_value().encode(), "CREWTUNE_SECRET_KEY")
    path = data_dir / _FILE
    if not path.exists():
        _make(path)
    return check_secret(path.read_bytes().strip(), f"the file {_FILE} in the data folder")


def check_secret(secret: bytes, place: str) -> bytes:
    """Return `secret` when nobody can guess it.

    Raises:
        WeakSecret: Somebody could.
    """
    guessable = len(secret) < _LEAST_BYTES or len(set(secret)) < _LEAST_DIFFERENT
    if guessable or secret.lstrip().startswith(_KEY_FILES) or secret.startswith(_DER):
        remedy = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        raise WeakSecret(
            f"The secret in {place} is too weak: it needs {_LEAST_BYTES} random bytes or more, "
            f"and is no key file. Make one with: {remedy}"
        )
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = mkstemp(dir=path.parent)  # readable by us alone
    written = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        # Linking fails when another process was faster; then its secret is the one.
        os.link(written, path)
    except FileExistsError:
        pass
    finally:
        written.unlink()
