"""Find the model that a name means, and make sure it may be loaded.

A name is that of a model in the workspace, the path of a folder, or a Hugging Face id with an
optional revision (`org/name@main`). A folder that exists wins over the Hub.

Not covered: loading it, and quantised models.
"""

import hashlib
import re
from pathlib import Path

from pydantic import Field

from tools.errors import ModelError, WorkspaceError
from tools.files import sha256_of
from tools.hub.check_model_folder import ModelFacts, check_model_folder
from tools.hub.fetch_model import fetch_model
from tools.hub.weight_files import weight_files
from tools.progress import NoProgress, Progress
from tools.workspace import Workspace

_HUB_ID = re.compile(
    r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}(@[A-Za-z0-9][\w./-]{0,127})?", re.ASCII
)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HASHED = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
)


class ModelSource(ModelFacts):
    """A model on this machine whose files were judged safe to load."""

    name: str = Field(description="The name as the user gave it.")
    folder: Path
    revision: str | None = Field(description="Commit on the Hub; none for a local folder.")
    local: bool = Field(description="Whether it is a folder of the user's, not a Hub model.")

    @property
    def shown(self) -> str:
        """The name as it may leave this machine: a folder without the path to it."""
        return self.folder.name if self.local else self.name


def resolve_model(
    name: str,
    *,
    workspace: Workspace,
    token: str | None = None,
    endpoint: str | None = None,
    progress: Progress | None = None,
) -> ModelSource:
    """Return the model that `name` means. A Hub model is fetched when it is not here yet.

    Args:
        name: Name of a model in the workspace, path of a folder, or `org/name[@revision]`.
        workspace: Where models made here are.
        token: Access token of the Hub. Without one, none is sent.
        endpoint: Address of the Hub; the public one when left out.
        progress: Told about a download, and asked whether to stop.

    Raises:
        ModelError: The name is malformed, or there is no such model, or it may not be loaded.
    """
    folder = _local_folder(name, workspace)
    if folder is not None:
        facts = check_model_folder(folder)
        return ModelSource(**dict(facts), name=name, folder=folder, revision=None, local=True)
    if not _HUB_ID.fullmatch(name) or ".." in name or "--" in name.partition("@")[0]:
        raise ModelError(_unknown(name))
    folder = fetch_model(name, token=token, endpoint=endpoint, progress=progress or NoProgress())
    facts = check_model_folder(folder)
    commit = folder.name if _COMMIT.fullmatch(folder.name) else None
    return ModelSource(**dict(facts), name=name, folder=folder, revision=commit, local=False)


def model_hash(folder: Path) -> str:
    """Return one SHA-256 for the weights, configuration and tokenizer in `folder`.

    Raises:
        ModelError: The weights are missing.
    """
    files = {file.name: file for file in weight_files(folder)}
    files |= {name: folder / name for name in _HASHED if (folder / name).is_file()}
    lines = [f"{sha256_of(files[name])}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _local_folder(name: str, workspace: Workspace) -> Path | None:
    try:
        return workspace.model(name)
    except (ModelError, WorkspaceError):
        pass
    try:
        path = Path(name).expanduser()
        return path.resolve() if name.strip() and path.is_dir() else None
    # A name too long for a file name, a null byte, or `~` of an unknown user.
    except (OSError, ValueError, RuntimeError):
        return None


def _unknown(name: str) -> str:
    shown = repr(name[:80])
    if "://" in name or name.startswith("file:"):
        return f"{shown} is an address. Give a Hub id such as 'org/name', or a folder's path."
    if "/" not in name and "\\" not in name:
        return (
            f"There is no local model {shown}. A Hub id has the form 'org/name', or "
            "'org/name@revision'; the path of a local model folder works too."
        )
    return (
        f"There is no folder {shown}, and it is not a Hub id, which has the form 'org/name' or "
        "'org/name@revision'. Check the spelling; the path of a local model folder works too."
    )
