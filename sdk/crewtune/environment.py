"""What the command line is told by its surroundings: the only reader of the environment.

`CREWTUNE_URL`       address of the studio
`CREWTUNE_API_KEY`   signs in without `crewtune login`
`XDG_CONFIG_HOME`    the folder in which `crewtune/credentials.json` is kept; by default ~/.config
"""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, SecretStr

from crewtune.credentials import current_url
from crewtune.frozen import Frozen

DEFAULT_URL = "http://127.0.0.1:8000"

# Settings of the studio that `doctor` looks at, in the environment or in `.env`.
_OF_THE_STUDIO = (
    "CREWTUNE_API_PORT",
    "CREWTUNE_UI_PORT",
    "CREWTUNE_MLFLOW_PORT",
    "CREWTUNE_DATA_DIR",
    "HF_ENDPOINT",
    "HF_HUB_OFFLINE",
    "LLM_API_KEY",
    "LLM_BASE_URL",
    "LLM_MODEL",
    "MLFLOW_TRACKING_URI",
)


class Environment(Frozen):
    """The surroundings of one command."""

    url: str | None = None
    api_key: SecretStr | None = None
    credentials: Path = Field(description="The file in which sign-ins are kept.")
    folder: Path = Field(description="Where the command was started.")
    studio: dict[str, SecretStr] = Field(
        default_factory=dict, description="Settings of a studio that is started here."
    )

    def address(self, asked: str | None) -> str:
        """Return the address to use: asked, set, of the last sign-in, or of `make up` here."""
        return asked or self.url or current_url(self.credentials) or self._of_make_up()

    def setting(self, name: str) -> str | None:
        """Return a setting of the studio."""
        value = self.studio.get(name)
        return value.get_secret_value() if value else None

    def _of_make_up(self) -> str:
        port = self.setting("CREWTUNE_API_PORT") or ""
        # `doctor` says what is wrong with a port that is none.
        usable = port.isascii() and port.isdecimal() and 0 < int(port) < 65536
        return f"http://127.0.0.1:{port}" if usable else DEFAULT_URL


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Return the surroundings: the variables, and `.env` in the folder we are in."""
    given = os.environ if variables is None else variables
    folder = Path.cwd()
    config = Path(given.get("XDG_CONFIG_HOME", ""))
    if not config.is_absolute():  # as the XDG rules say of a relative one
        config = Path.home() / ".config"
    settings = {**_read_env_file(folder / ".env"), **given}
    key = given.get("CREWTUNE_API_KEY", "").strip()
    return Environment(
        url=given.get("CREWTUNE_URL") or None,
        api_key=SecretStr(key) if key else None,
        credentials=config / "crewtune" / "credentials.json",
        folder=folder,
        studio={name: SecretStr(settings[name]) for name in _OF_THE_STUDIO if settings.get(name)},
    )


def _read_env_file(path: Path) -> dict[str, str]:
    """Return the settings in `path`; none when it is missing or cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return {}
    pairs = (line.strip().removeprefix("export ").partition("=") for line in lines)
    return {
        name.strip(): value.strip().strip("'\"")
        for name, found, value in pairs
        if found and not name.startswith("#")
    }
