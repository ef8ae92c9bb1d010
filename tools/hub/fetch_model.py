"""Bring a model of the Hugging Face Hub to this machine, or find the copy that is already here.

Small files come first and are checked; weights are fetched only for a model that may be loaded.
Code and pickled weights are never fetched.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.errors import ModelError
from tools.hub.check_model_folder import check_config, no_config
from tools.hub.weight_files import WEIGHTS, WEIGHTS_INDEX, no_weights, weight_names
from tools.progress import Progress

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils.tqdm import tqdm

_SMALL_FILE = re.compile(r"[\w.-]+\.(?:json|txt|model|tiktoken|jinja)")
_OR_LOCAL = "The path of a local model folder works too."
_TIMEOUT_SECONDS = 10


class _Unreachable(Exception):
    """The Hub did not answer, or answered that it is out of order."""


class _Hub:
    """One model repository at one revision, seen with one token."""

    def __init__(self, name: str, *, token: str | None, endpoint: str | None) -> None:
        self.name = name
        self.repository, _, revision = name.partition("@")
        self.revision = revision or None
        # False: without a token of the caller's, no other token of this machine is sent.
        self.token: str | bool = token or False
        self.endpoint = endpoint


def fetch_model(name: str, *, token: str | None, endpoint: str | None, progress: Progress) -> Path:
    """Return the folder of the Hub model `name` (`org/name` or `org/name@revision`).

    Raises:
        ModelError: It does not exist, is closed to us, cannot be reached, or may not be loaded.
    """
    hub = _Hub(name, token=token, endpoint=endpoint)
    try:
        sizes = _file_sizes(hub)
        _refuse_unusable(hub, sizes)
        folder = _download(hub, list(filter(_SMALL_FILE.fullmatch, sizes)), progress)
        check_config(folder)
        weights = weight_names(folder) if WEIGHTS_INDEX in sizes else [WEIGHTS]
        gigabytes = sum(sizes.get(weight, 0) for weight in weights) / 1e9
        progress.log(f"Fetching {name} from the Hub: {gigabytes:.2f} GB of weights.")
        return _download(hub, weights, progress)
    except _Unreachable as error:
        progress.log(f"The Hub cannot be reached. Looking for a copy of {name} on this machine.")
        return _cached(hub, error)


def _file_sizes(hub: _Hub) -> dict[str, int]:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    with _plain_words(hub):
        info = api.model_info(
            hub.repository,
            revision=hub.revision,
            files_metadata=True,
            timeout=_TIMEOUT_SECONDS,
        )
    return {file.rfilename: file.size or 0 for file in info.siblings or ()}


def _refuse_unusable(hub: _Hub, sizes: dict[str, int]) -> None:
    if "config.json" not in sizes:
        raise ModelError(no_config(hub.name, sizes))
    if WEIGHTS not in sizes and WEIGHTS_INDEX not in sizes:
        raise ModelError(no_weights(hub.name, sizes))


def _download(hub: _Hub, file_names: list[str], progress: Progress) -> Path:
    from huggingface_hub import snapshot_download

    with _plain_words(hub):
        folder = snapshot_download(
            hub.repository,
            revision=hub.revision,
            token=hub.token,
            endpoint=hub.endpoint,
            allow_patterns=file_names,
            tqdm_class=_reporter(progress),
        )
    return Path(folder)


def _cached(hub: _Hub, reason: Exception) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(
                hub.repository, revision=hub.revision, local_files_only=True, allow_patterns=[]
            )
        )
        check_config(folder)
        weight_names(folder)
    except LocalEntryNotFoundError:
        raise ModelError(
            f"The Hub cannot be reached, and there is no copy of {hub.name!r} on this machine. "
            f"Check the connection, or fetch the model on another machine. {_OR_LOCAL}"
        ) from reason
    return folder


def _reporter(progress: Progress) -> "type[tqdm]":
    """Return a progress bar that draws nothing, reports to `progress` and stops when told."""
    from huggingface_hub.utils.tqdm import tqdm

    class Reporter(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._counts_bytes = kwargs.get("unit") == "B"
            self._bytes = 0.0
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            progress.check()
            self._bytes += n or 0
            if self._counts_bytes and self.total:
                progress.percent(min(100.0, 100 * self._bytes / self.total))

    return Reporter


@contextmanager
def _plain_words(hub: _Hub) -> Iterator[None]:
    """Turn what the Hub's library raises into `ModelError`, or `_Unreachable`."""
    from httpx2 import TransportError
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except (TransportError, OfflineModeIsEnabled, LocalEntryNotFoundError) as error:
        raise _Unreachable from error
    except GatedRepoError as error:
        raise ModelError(
            f"{hub.name!r} is gated. Accept its licence on its page on the Hub, then give a token "
            f"of the account that did. {_OR_LOCAL}"
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError(f"{hub.repository!r} has no revision {hub.revision!r}.") from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"There is no model {hub.repository!r} on the Hub, or it is private and needs a "
            f"token. Check the spelling. {_OR_LOCAL}"
        ) from error
    except HfHubHTTPError as error:
        raise _refusal(hub, error) from error
    except OSError as error:
        raise ModelError(f"{hub.name!r} cannot be stored: {error.strerror or error}.") from error


def _refusal(hub: _Hub, error: "HfHubHTTPError") -> Exception:
    status = error.response.status_code
    if status in (401, 403):
        return ModelError(f"The Hub refuses the token for {hub.name!r}. {_OR_LOCAL}")
    if status == 429 or status >= 500:
        return _Unreachable()
    return ModelError(f"The Hub answers {status} for {hub.name!r}. {_OR_LOCAL}")
