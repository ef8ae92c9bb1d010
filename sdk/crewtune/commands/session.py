"""One command: where it goes, who it is, what it shows, and the exit code it ends with."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import httpx2
import typer

from crewtune.commands.screen import Screen
from crewtune.connection import Retry, checked_url
from crewtune.credentials import Credentials, FileStore, MemoryStore, TokenStore
from crewtune.environment import Environment, read_environment
from crewtune.errors import ApiError, NotSignedIn, Unreachable
from crewtune.jobs import Job
from crewtune.studio import Studio

REFUSED, MISUSED, UNREACHABLE, UNSIGNED, STOPPED = 1, 2, 3, 4, 130

EXIT_CODES = (
    "Exit codes: 0 done, 1 refused or failed, 2 misuse, 3 cannot reach the studio, "
    "4 not signed in, 130 stopped."
)

UrlOption = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Address of the studio. Otherwise CREWTUNE_URL, the studio signed in to last, or "
        "http://127.0.0.1:8000 (CREWTUNE_API_PORT).",
        show_default=False,
    ),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON on standard output, and nothing else.")
]
SeedOption = Annotated[
    int, typer.Option(help="The same seed gives the same result.", min=0, max=2**32 - 1)
]
FollowOption = Annotated[bool, typer.Option("--follow/--no-follow", help="Watch it to its end.")]


@dataclass(frozen=True)
class World:
    """What a command finds around it. A test gives its own."""

    environment: Environment
    http: httpx2.Client | None = None
    retry: Retry | None = None


@dataclass(frozen=True)
class Session:
    """A command that is under way."""

    studio: Studio
    screen: Screen
    store: TokenStore
    environment: Environment
    asked_url: str | None

    def command(self, words: str) -> str:
        """Return the command line that does `words` in the same studio."""
        return f"crewtune {words} --url {self.asked_url}" if self.asked_url else f"crewtune {words}"

    def job(self, named: str) -> Job:
        """Return the job of that id or number."""
        try:
            return self.studio.job(UUID(named))
        except ValueError:
            pass
        job = self.studio.job_of_number(int(named)) if named.isdecimal() else None
        if job is None:
            detail = f"There is no job {named!r} of yours. `{self.command('jobs list')}` shows all."
            raise ApiError(404, "not_found", detail)
        return job


@contextmanager
def open_session(
    context: typer.Context, url: str | None, as_json: bool, *, ignore_key: bool = False
) -> Iterator[Session]:
    """Open a session; what goes wrong in it ends the command with its exit code.

    It is signed by the API key that is set, unless `ignore_key`, or else by the file of sign-ins.
    """
    world, screen = context.find_object(World) or World(read_environment()), Screen(as_json)
    with exit_codes(screen):
        address = _address(world.environment, url)
        store: TokenStore = FileStore(world.environment.credentials, address)
        if world.environment.api_key is not None and not ignore_key:
            store = MemoryStore(Credentials(api_key=world.environment.api_key))
        with Studio(address, store=store, http=world.http, retry=world.retry) as studio:
            yield Session(studio, screen, store, world.environment, url)


def _address(environment: Environment, url: str | None) -> str:
    try:
        return checked_url(environment.address(url))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--url") from error


@contextmanager
def exit_codes(screen: Screen) -> Iterator[None]:
    """Say what goes wrong, and end the command with the exit code for it."""
    try:
        yield
    except NotSignedIn as error:
        screen.error(error, "Run: crewtune login")
        raise typer.Exit(UNSIGNED) from error
    except Unreachable as error:
        screen.error(error)
        raise typer.Exit(UNREACHABLE) from error
    except ApiError as error:
        screen.error(error)
        raise typer.Exit(REFUSED) from error
    except BrokenPipeError:
        raise  # who read our output has gone; typer ends quietly
    except OSError as error:
        named = error.filename or "A file"
        detail = f"{named} cannot be used: {error.strerror or error}."
        screen.error(ApiError(0, "file_refused", detail))
        raise typer.Exit(REFUSED) from error
