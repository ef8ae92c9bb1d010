"""`crewtune data`: add datasets, list them, look at them, remove them."""

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from crewtune.commands import care, tokens
from crewtune.commands.care import NameArgument
from crewtune.commands.following import started
from crewtune.commands.hub_page import show_hub_page
from crewtune.commands.screen import Screen, moment, plain, size
from crewtune.commands.session import (
    EXIT_CODES,
    FollowOption,
    JsonOption,
    Session,
    UrlOption,
    open_session,
)
from crewtune.data_models import Audit, Row, Upload
from crewtune.datasets import SAMPLE

app = typer.Typer(
    help="Datasets: add, look at, find what is wrong, repair, remove, search the Hub.",
    no_args_is_help=True,
    epilog=EXIT_CODES,
)
for _command in (
    *(care.findings, care.repair, care.rehearse, care.policy, care.versions, care.card),
    tokens.preview,
):
    app.command(epilog=EXIT_CODES)(_command)

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@app.command(epilog=EXIT_CODES)
def add(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help=f"A data file, an id on the Hub (org/name), or the sample {SAMPLE}.",
        ),
    ],
    name: Annotated[str | None, typer.Option(help="What to call it. Otherwise as it is.")] = None,
    config: Annotated[str | None, typer.Option(help="Configuration of a Hub dataset.")] = None,
    split: Annotated[str | None, typer.Option(help="Split of a Hub dataset.")] = None,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit on the Hub.")] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", help="alpaca, sharegpt, messages, ... if not detected."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="PART=COLUMN", help="With --format, e.g. prompt=Frage."),
    ] = None,
    follow: FollowOption = True,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a dataset: a JSONL, JSON, CSV or Parquet file, or one of the Hub.

    A file goes before a Hub id or the sample of the same name.

    \b
    Examples:
      crewtune data add refrigeration-requests
      crewtune data add requests.jsonl
      crewtune data add ~/requests.jsonl --name service-requests
      crewtune data add databricks/databricks-dolly-15k --split train
      crewtune data add faq.csv --format alpaca --column prompt=Frage --column answer=Antwort
    """
    path = Path(source).expanduser()
    here = path.is_file()
    on_hub = not here and _HUB_ID.fullmatch(source) is not None
    is_sample = not here and source == SAMPLE
    if not (here or on_hub or is_sample):
        raise typer.BadParameter(
            f"{source!r} is no file here, no id on the Hub (org/name), and not {SAMPLE}.",
            param_hint="SOURCE",
        )
    if not on_hub and (config or split or revision):
        raise typer.BadParameter("--config, --split and --revision are for datasets of the Hub.")
    mapping = _mapping(format_name, column)
    called = name or _name_for(source.rpartition("/")[2] if on_hub else path.stem)
    with open_session(context, url, as_json) as session:
        job = session.studio.add_dataset(
            called,
            upload=_send(session, path).upload if here else None,
            hub_id=source if on_hub else None,
            sample=SAMPLE if is_sample else None,
            config=config,
            split=split,
            revision=revision,
            mapping=mapping,
        )
        started(session, job, follow_it=follow)


@app.command(name="list", epilog=EXIT_CODES)
def list_datasets(
    context: typer.Context, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """List your datasets.

    \b
    Examples:
      crewtune data list
      crewtune data list --json | jq -r '.[].name'
    """
    with open_session(context, url, as_json) as session:
        found = session.studio.datasets()
        session.screen.json(found)
        session.screen.table(
            ("name", "rows", "format", "source", "added"),
            ((one.name, one.rows, one.format, one.source, moment(one.created_at)) for one in found),
            empty="You have no dataset. Add one: crewtune data add FILE",
        )


@app.command(epilog=EXIT_CODES)
def show(
    context: typer.Context, name: NameArgument, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Show a dataset, and what is wrong with it.

    \b
    Examples:
      crewtune data show requests
      crewtune data show requests --json | jq .audit.counts
    """
    with open_session(context, url, as_json) as session:
        dataset, audit = session.studio.dataset(name), session.studio.audit(name)
        session.screen.json({"dataset": dataset, "audit": audit})
        session.screen.facts(
            {
                "name": dataset.name,
                "rows": dataset.rows,
                "usable": f"{audit.rows_usable} of {audit.rows}",
                "format": dataset.format,
                "source": dataset.source,
                "version": dataset.version,
                "languages": ", ".join(
                    f"{language} {share:.0%}" for language, share in audit.languages.items()
                ),
                "added": moment(dataset.created_at),
            }
        )
        _show_found(session.screen, name, audit)


@app.command(epilog=EXIT_CODES)
def rows(
    context: typer.Context,
    name: NameArgument,
    offset: Annotated[int, typer.Option(min=0, help="Rows to pass over.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Rows to show.")] = 5,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at rows, in the one shape that every format becomes.

    \b
    Examples:
      crewtune data rows requests
      crewtune data rows requests --offset 100 --limit 20 --json
    """
    with open_session(context, url, as_json) as session:
        page = session.studio.rows(name, offset=offset, limit=limit)
        session.screen.json(page)
        for row in page.rows:
            _show_row(session.screen, row)
        last = offset + len(page.rows)
        shown = f"Rows {offset + 1} to {last}" if page.rows else f"No rows after {offset}"
        session.screen.print(f"{shown} of {page.total}")


@app.command(epilog=EXIT_CODES)
def remove(
    context: typer.Context,
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a dataset. Rows that a run was made with stay with the run.

    \b
    Examples:
      crewtune data remove requests
      crewtune data remove requests --yes
    """
    if not yes and not _agreed(f"Delete the dataset {name!r}?"):
        raise typer.Exit(1)
    with open_session(context, url, as_json) as session:
        session.studio.remove_dataset(name)
        session.screen.json({"removed": name})
        session.screen.print(f"{name!r} is deleted.")


@app.command(epilog=EXIT_CODES)
def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for.")],
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many to show.")] = 20,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search the Hub for datasets.

    \b
    Examples:
      crewtune data search "customer support"
    """
    with open_session(context, url, as_json) as session:
        show_hub_page(session.screen, session.studio.search_datasets(query, limit=limit))


def _send(session: Session, path: Path) -> Upload:
    notes = session.screen.notes
    bars = Progress(
        TextColumn("  Sending"),
        BarColumn(bar_width=30),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
        console=notes,
        transient=True,
        disable=session.screen.as_json or not notes.is_terminal,
    )
    with bars:
        task = bars.add_task("Sending", total=path.stat().st_size or None)
        sent = session.studio.upload(
            path, on_progress=lambda done, total: bars.update(task, completed=done, total=total)
        )
    session.screen.print(f"{path.name} is sent ({size(sent.bytes)}).")
    return sent


def _show_found(screen: Screen, name: str, audit: Audit) -> None:
    for remark in audit.remarks:
        screen.print(f"{remark.severity}: {remark.message} {remark.remedy}")
    counts = sorted(audit.counts.items(), key=lambda one: -one[1])
    screen.table(("found", "times"), counts, empty="Nothing is wrong with it.")
    if counts:
        screen.print(f"Row by row: crewtune data findings {name}")


def _show_row(screen: Screen, row: Row) -> None:
    if screen.as_json:
        return
    screen.out.print(plain(f"Row {row.row}"), style="bold")
    for part in ("messages", "chosen", "rejected"):
        for message in getattr(row, part):
            prefix = "" if part == "messages" else f"{part}, "
            screen.print(f"  {prefix}{message.get('role')}: {message.get('content')}")
    for piece in (*row.segments, *row.steps):
        screen.print(f"  {'+' if piece.get('label') else '-'} {piece.get('text')}")


def _mapping(format_name: str | None, columns: list[str] | None) -> dict[str, Any] | None:
    if format_name is None and columns is None:
        return None
    pairs = [one.partition("=") for one in columns or ()]
    if format_name is None or not all(part and column for part, _, column in pairs):
        raise typer.BadParameter("Give --format, and each --column as PART=COLUMN.")
    return {"format": format_name, "columns": {part: column for part, _, column in pairs}}


def _name_for(source: str) -> str:
    """Return a name that the studio takes."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", source).strip("._-")[:96]
    if not name:
        raise typer.BadParameter("Say what to call it: --name NAME")
    return name


def _agreed(question: str) -> bool:
    if not sys.stdin.isatty():
        raise typer.BadParameter("There is no terminal to ask at: give --yes.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
