"""`crewtune models`: what is here to begin with, and what the Hub has."""

from typing import Annotated

import typer

from crewtune.commands.hub_page import show_hub_page
from crewtune.commands.screen import size
from crewtune.commands.session import EXIT_CODES, JsonOption, UrlOption, open_session

app = typer.Typer(help="Models: list, search.", no_args_is_help=True, epilog=EXIT_CODES)


@app.command(name="list", epilog=EXIT_CODES)
def list_models(context: typer.Context, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """List the models that are here: bundled, local, cached and tuned.

    \b
    Examples:
      crewtune models list
      crewtune models list --json | jq -r '.[].name'
    """
    with open_session(context, url, as_json) as session:
        models = session.studio.models()
        session.screen.json(models)
        session.screen.table(
            ("name", "kind", "size", "base"),
            ((one.name, one.kind, size(one.bytes), one.base) for one in models),
            empty="There is no model here. Find one: crewtune models search QUERY",
        )


@app.command(epilog=EXIT_CODES)
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for.")],
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many to show.")] = 20,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search the Hub for models.

    \b
    Examples:
      crewtune models search qwen3
      crewtune models search "small instruct" --limit 5 --json
    """
    with open_session(context, url, as_json) as session:
        show_hub_page(session.screen, session.studio.search_models(query, limit=limit))
