"""Copy the adapter of a registered version out of MLflow.

Only weights as safetensors and plain text leave the store: another kind of file among the
artifacts is refused before anything is copied. When the version says which weights it holds, the
copy is compared with that. The target is complete or absent.

Not covered: whether PEFT may load the adapter (`tools.training.check_adapter`).
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from tools.errors import TrackingError
from tools.files import sha256_of
from tools.tracking.registry import HASH_TAG, check_names
from tools.tracking.store import TrackingStore, plain_errors, time_for_files
from tools.training.check_adapter import ADAPTER_WEIGHTS

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ACCEPTED = {".safetensors", ".json", ".txt", ".md", ".jinja"}


def fetch_adapter(store: TrackingStore, model: str, *, version: int, target: Path) -> Path:
    """Copy the adapter of `version` of `model` to the new folder `target`, and return `target`.

    Raises:
        TrackingError: There is no such version, `target` is there already, or the artifacts are
            not those of a safe adapter.
    """
    check_names(model)
    if target.exists():
        raise TrackingError(f"{target.name!r} is there already. Choose another name.")
    with plain_errors("The adapter cannot be fetched"):
        client = store.client()
        found = client.get_model_version(model, str(version))
        run_id, artifact = _origin(found.source or "")
        _refuse_other_files(client, run_id, artifact)
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".adapter-") as aside:
            with time_for_files():
                copy = Path(client.download_artifacts(run_id, artifact, aside))
            _compare(copy / ADAPTER_WEIGHTS, found.tags.get(HASH_TAG))
            copy.rename(target)
    return target


def _origin(source: str) -> tuple[str, str]:
    run_id, _, artifact = source.removeprefix("runs:/").partition("/")
    if not source.startswith("runs:/") or not artifact:
        raise TrackingError("This version is not an adapter that was registered here.")
    return run_id, artifact


def _refuse_other_files(client: "MlflowClient", run_id: str, artifact: str) -> None:
    files = [*_files(client, run_id, artifact)]
    if ADAPTER_WEIGHTS not in {path.name for path in files}:
        raise TrackingError("The adapter is no longer in the artifact store.")
    other = sorted(path.name for path in files if path.suffix.lower() not in _ACCEPTED)
    if other:
        raise TrackingError(
            f"The adapter holds files of a kind that is not loaded: {', '.join(other[:5])}. "
            f"Accepted are {', '.join(sorted(_ACCEPTED))}."
        )


def _files(client: "MlflowClient", run_id: str, folder: str) -> Iterator[PurePosixPath]:
    for entry in client.list_artifacts(run_id, folder):
        if entry.is_dir:
            yield from _files(client, run_id, entry.path)
        else:
            yield PurePosixPath(entry.path)


def _compare(weights: Path, expected: str | None) -> None:
    if expected and sha256_of(weights) != expected:
        raise TrackingError("The weights in the artifact store are not those that were registered.")
