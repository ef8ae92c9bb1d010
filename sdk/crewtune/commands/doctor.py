"""`crewtune doctor`: what a newcomer gets wrong, and what to do about it."""

import typer

from crewtune.commands.session import (
    REFUSED,
    JsonOption,
    UrlOption,
    open_session,
)
from crewtune.doctor import examine


def doctor(context: typer.Context, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Check this machine and the studio, and say what to mend.

    It needs nothing of the studio installed. For a studio elsewhere, that machine is not looked at.
    The exit code is 1 when there is a problem; warnings are none.

    \b
    Examples:
      crewtune doctor
      crewtune doctor --json | jq '.checks[] | select(.state == "problem")'
    """
    with open_session(context, url, as_json) as session:
        screen = session.screen
        checks = examine(session.environment, session.studio)
        problems = sum(check.state == "problem" for check in checks)
        screen.json({"checks": checks, "problems": problems})
        screen.table(
            ("", "what", "found", "what to do"),
            ((check.state, check.name, check.found, check.remedy) for check in checks),
            empty="",
        )
        if problems:
            raise typer.Exit(REFUSED)
