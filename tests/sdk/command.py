"""Runs `crewtune` commands in this process, as somebody with a credentials file of their own."""

import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from typer.testing import CliRunner, Result

from crewtune.commands.main import app
from crewtune.commands.session import World
from crewtune.environment import Environment
from tests.sdk.real_studio import QUICK


class CommandLine:
    """The command line of one person."""

    def __init__(self, folder: Path, url: str | None, **settings: str) -> None:
        self.credentials = folder / "config" / "crewtune" / "credentials.json"
        self.environment = Environment(
            url=url,
            credentials=self.credentials,
            folder=folder,
            studio={name: SecretStr(value) for name, value in settings.items()},
        )

    def run(self, *words: object, typed: str | None = None) -> Result:
        world = World(self.environment, retry=QUICK)
        return CliRunner().invoke(app, list(map(str, words)), input=typed, obj=world)

    def done(self, *words: object, typed: str | None = None) -> str:
        """Return what the command printed; it must have been done."""
        result = self.run(*words, typed=typed)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: object) -> Any:
        """Return the one document that the command printed, and nothing else."""
        return json.loads(self.done(*words, "--json"))

    def lines(self, *words: object) -> list[Any]:
        """Return the lines of JSON that the command printed, and nothing else."""
        return [json.loads(line) for line in self.run(*words, "--json").stdout.splitlines()]

    def refused(self, exit_code: int, *words: object) -> str:
        """Return what the command said when it ended with that exit code."""
        result = self.run(*words)
        assert result.exit_code == exit_code, result.output
        return result.output
