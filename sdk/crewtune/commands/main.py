"""The command `crewtune`."""

from typing import Annotated

import typer

from crewtune.commands import account, crew, data, jobs, models, train
from crewtune.commands.doctor import doctor
from crewtune.commands.session import EXIT_CODES

_HELP = """Fine-tune language models in a CrewTune studio, from the command line.

\b
A first training:
  crewtune login
  crewtune data add refrigeration-requests
  crewtune train tiny-instruct refrigeration-requests --follow
  crewtune eval 2 --follow

Every command takes --json for programs and --url for another studio; `crewtune COMMAND --help`
shows examples. CREWTUNE_URL and CREWTUNE_API_KEY take the place of `crewtune login` in scripts.
"""

app = typer.Typer(
    help=_HELP,
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: it can be piped, and is the same everywhere
    pretty_exceptions_enable=False,  # they print local variables, and so secrets
)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"crewtune {version('crewtune')}")
        except PackageNotFoundError:
            typer.echo("crewtune, not installed")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    del version


for _command in (account.login, account.register, account.logout, account.whoami):
    app.command(epilog=EXIT_CODES)(_command)
app.add_typer(data.app, name="data")
app.add_typer(models.app, name="models")
app.command(epilog=EXIT_CODES)(train.train)
app.command(name="eval", epilog=EXIT_CODES)(train.evaluate)
app.add_typer(jobs.app, name="jobs")
app.add_typer(crew.app, name="crew")
app.command(epilog=EXIT_CODES)(doctor)


def main() -> None:
    """Run the command line."""
    app()
