"""`crewtune jobs`: list, show, logs, cancel, priority, resume."""

from typing import Annotated

import typer

from crewtune.commands.following import follow as watch
from crewtune.commands.following import standing, started
from crewtune.commands.outcome import outcome
from crewtune.commands.screen import duration, moment
from crewtune.commands.session import (
    EXIT_CODES,
    FollowOption,
    JsonOption,
    UrlOption,
    open_session,
)
from crewtune.jobs import Job

app = typer.Typer(
    help="Jobs: list, show, logs, cancel, priority, resume.",
    no_args_is_help=True,
    epilog=EXIT_CODES,
)

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="Its number, or its id.")]


@app.command(name="list", epilog=EXIT_CODES)
def list_jobs(
    context: typer.Context,
    kind: Annotated[
        str | None,
        typer.Option(
            help="inspect, import, repair, rehearse, preview, recommend, train, evaluate or crew."
        ),
    ] = None,
    status: Annotated[
        str | None,
        typer.Option(help="queued, running, interrupted, succeeded, failed or cancelled."),
    ] = None,
    before: Annotated[int | None, typer.Option(min=1, help="Only jobs before this number.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many to show.")] = 20,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List your jobs, the newest first.

    \b
    Examples:
      crewtune jobs list
      crewtune jobs list --kind train --status running
      crewtune jobs list --json | jq -r '.jobs[] | "\\(.number) \\(.status)"'
    """
    with open_session(context, url, as_json) as session:
        page = session.studio.jobs(kind=kind, status=status, before=before, limit=limit)
        session.screen.json(page)
        session.screen.table(
            ("job", "kind", "of", "status", "done", "left", "begun"),
            map(_row, page.jobs),
            empty="There is no job. Start one: crewtune train MODEL DATASET",
        )
        if page.before is not None:
            session.screen.print(f"More: {session.command(f'jobs list --before {page.before}')}")


@app.command(epilog=EXIT_CODES)
def show(
    context: typer.Context, job: JobArgument, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Show one job: how far it is, what it came to, or why it failed.

    \b
    Examples:
      crewtune jobs show 12
      crewtune jobs show 12 --json | jq .result
    """
    with open_session(context, url, as_json) as session:
        found = session.job(job)
        session.screen.json(found)
        session.screen.facts(
            {
                "job": found.number,
                "id": found.id,
                "kind": found.kind,
                **{name: value for name, value in found.request.items() if value not in ({}, None)},
                "status": standing(found),
                "done": f"{found.percent:.0f} %",
                "left": duration(found.seconds_left),
                "attempt": found.attempt,
                "asked for": moment(found.created_at),
                "begun": moment(found.started_at),
                "ended": moment(found.ended_at),
            }
        )
        for line in outcome(found):
            session.screen.print(line)


@app.command(epilog=EXIT_CODES)
def logs(
    context: typer.Context,
    job: JobArgument,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with it, live, to the job's end.")
    ] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a job said. With -f live, to its end; then the exit code says how it ended.

    Ctrl-C ends the watching; the job goes on. With --json, -f prints a line for each event,
    {"event": ...}, and at the end {"job": ...}.

    \b
    Examples:
      crewtune jobs logs 12
      crewtune jobs logs -f 12
      crewtune jobs logs -f 12 --json | jq 'select(.event.type == "metric").event.data'
    """
    with open_session(context, url, as_json) as session:
        found = session.job(job)
        if follow:
            return watch(session, found)
        said = session.studio.log(found.id)
        session.screen.json(said)
        for sentence in said:
            session.screen.print(sentence)


@app.command(epilog=EXIT_CODES)
def cancel(
    context: typer.Context, job: JobArgument, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Cancel a job. A running one saves a checkpoint first, so that it can be resumed.

    \b
    Examples:
      crewtune jobs cancel 12
    """
    with open_session(context, url, as_json) as session:
        cancelled = session.studio.cancel(session.job(job).id)
        session.screen.json(cancelled)
        session.screen.print(f"Job {cancelled.number} is {standing(cancelled)}.")


@app.command(epilog=EXIT_CODES)
def priority(
    context: typer.Context,
    job: JobArgument,
    value: Annotated[
        int, typer.Argument(metavar="PRIORITY", min=-10, max=10, help="Higher goes first.")
    ],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Move a waiting job in its queue. Jobs begin with 0; above that takes an admin.

    \b
    Examples:
      crewtune jobs priority 12 5
      crewtune jobs priority 12 -- -5
    """
    with open_session(context, url, as_json) as session:
        moved = session.studio.prioritise(session.job(job).id, value)
        session.screen.json(moved)
        session.screen.print(f"Job {moved.number} is {standing(moved)}.")


@app.command(epilog=EXIT_CODES)
def resume(
    context: typer.Context,
    job: JobArgument,
    follow: FollowOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Start a new job that goes on where a failed or cancelled one ended.

    \b
    Examples:
      crewtune jobs resume 12 --follow
    """
    with open_session(context, url, as_json) as session:
        resumed = session.studio.resume(session.job(job).id)
        started(session, resumed, follow_it=follow)


def _row(job: Job) -> tuple[object, ...]:
    asked = job.request
    about = (asked.get("model"), asked.get("dataset") or asked.get("name"))
    return (
        job.number,
        job.kind,
        " on ".join(str(one) for one in about if one),
        standing(job),
        f"{job.percent:.0f} %",
        duration(job.seconds_left),
        moment(job.started_at),
    )
