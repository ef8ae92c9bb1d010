"""`crewtune crew`: let the four agents do all of it, and read what they did."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from crewtune.commands.following import started
from crewtune.commands.jobs import JobArgument
from crewtune.commands.screen import Screen
from crewtune.commands.session import (
    EXIT_CODES,
    FollowOption,
    JsonOption,
    SeedOption,
    UrlOption,
    open_session,
)
from crewtune.commands.train import DatasetArgument, ModelArgument

_HELP = """Let four agents repair, train, prove and record.

\b
Examples:
  crewtune crew tiny-instruct requests --goal "Answer service requests as JSON." --follow
  crewtune crew receipts 12
"""


class _StartUnlessNamed(TyperGroup):
    """`crew MODEL DATASET` is short for `crew start MODEL DATASET`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the command that was left out."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["start", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_StartUnlessNamed, help=_HELP, no_args_is_help=True, epilog=EXIT_CODES)


@app.command(epilog=EXIT_CODES)
def start(
    context: typer.Context,
    model: ModelArgument,
    dataset: DatasetArgument,
    goal: Annotated[str, typer.Option(help="What the model is for, in a sentence.")],
    shuffle_labels: Annotated[
        bool, typer.Option(help="Self-test: answers are mixed up, the verdict must be no.")
    ] = False,
    seed: SeedOption = 42,
    follow: FollowOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Call the crew: the same as `crewtune crew MODEL DATASET`.

    \b
    Examples:
      crewtune crew start tiny-instruct requests --goal "Answer as JSON." --follow
    """
    with open_session(context, url, as_json) as session:
        job = session.studio.start_crew(
            model, dataset, goal, shuffle_labels=shuffle_labels, seed=seed
        )
        started(session, job, follow_it=follow)


@app.command(epilog=EXIT_CODES)
def receipts(
    context: typer.Context, job: JobArgument, url: UrlOption = None, as_json: JsonOption = False
) -> None:
    """Read what each agent was told, called and answered.

    \b
    Examples:
      crewtune crew receipts 12
      crewtune crew receipts 12 --json | jq '.[].tool_calls'
    """
    with open_session(context, url, as_json) as session:
        found = session.studio.receipts(session.job(job).id)
        session.screen.json(found)
        for receipt in found:
            _show_receipt(session.screen, receipt)
        if not found:
            session.screen.print("No step has ended yet.")


def _show_receipt(screen: Screen, receipt: dict[str, Any]) -> None:
    seconds = receipt.get("seconds") or 0.0
    screen.print(
        f"{receipt.get('step')}. {receipt.get('agent')}, by {receipt.get('model')}, {seconds:.1f} s"
    )
    for call in receipt.get("tool_calls") or ():
        screen.print(f"   called {call.get('tool') or call.get('name')}")
    answer = receipt.get("answer") or {}
    for name, value in answer.items():
        if isinstance(value, str | int | float):
            screen.print(f"   {name}: {value}")
