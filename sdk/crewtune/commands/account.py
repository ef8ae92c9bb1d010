"""`crewtune login`, `register`, `logout` and `whoami`.

A password is typed where nobody sees it, or read from standard input: as an argument it would stand
in the list of processes and in the shell's history.
"""

import getpass
import sys
from typing import Annotated

import typer

from crewtune.commands.session import JsonOption, Session, UrlOption, open_session
from crewtune.errors import ApiError, NotSignedIn

UsernameOption = Annotated[
    str | None, typer.Option("--username", "-u", help="Who signs in. Asked for when left out.")
]
PasswordOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def login(
    context: typer.Context,
    username: UsernameOption = None,
    password_stdin: PasswordOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign in, and stay signed in on this machine.

    \b
    Examples:
      crewtune login
      crewtune login --url https://studio.example.org
      crewtune login -u anna --password-stdin < password.txt
    """
    with open_session(context, url, as_json, ignore_key=True) as session:
        name = username or _ask("Username")
        _sign_in(session, name, _password(password_stdin))


def register(
    context: typer.Context,
    username: UsernameOption = None,
    setup_code: Annotated[
        str | None,
        typer.Option(help="Makes the first admin: the code that `make up` printed. Works once."),
    ] = None,
    invitation: Annotated[
        str | None, typer.Option(help="The code that an admin gave you. Works once.")
    ] = None,
    password_stdin: PasswordOption = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an account, and sign in.

    \b
    Examples:
      crewtune register --setup-code CODE
      crewtune register -u ben --invitation CODE
    """
    if setup_code and invitation:
        raise typer.BadParameter("Give --setup-code or --invitation, not both.")
    with open_session(context, url, as_json, ignore_key=True) as session:
        name = username or _ask("Username")
        password = _password(password_stdin, new=True)
        if setup_code:
            session.studio.set_up(setup_code, name, password)
        else:
            session.studio.register(name, password, invitation)
        _sign_in(session, name, password)


def logout(
    context: typer.Context,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="End your sign-ins on all machines.")
    ] = False,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sign out, and forget the sign-in on this machine.

    \b
    Examples:
      crewtune logout
      crewtune logout --everywhere
    """
    with open_session(context, url, as_json, ignore_key=True) as session:
        studio, store = session.studio, session.store
        try:
            if store.load() is not None:
                studio.sign_out_everywhere() if everywhere else studio.sign_out()
        except NotSignedIn:
            pass  # it had ended already
        finally:
            with store.lock():
                store.clear()
        session.screen.json({"url": studio.url, "signed_in": False})
        session.screen.print(f"Signed out of {studio.url}.")


def whoami(context: typer.Context, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show who is signed in, and where.

    \b
    Examples:
      crewtune whoami
      crewtune whoami --json
    """
    with open_session(context, url, as_json) as session:
        _show_user(session)


def _sign_in(session: Session, username: str, password: str) -> None:
    try:
        session.studio.sign_in(username, password)
    except NotSignedIn as error:
        if not session.studio.registration().setup_needed:
            raise
        detail = "There is no account yet. Make one: crewtune register --setup-code CODE"
        raise ApiError(error.status, "setup_needed", detail) from error
    if session.environment.api_key is not None:
        session.screen.remark("CREWTUNE_API_KEY is set, and goes before this sign-in.")
    _show_user(session)


def _show_user(session: Session) -> None:
    user = session.studio.me()
    session.screen.json({"url": session.studio.url, "user": user})
    session.screen.print(f"{user.username} ({user.role}) at {session.studio.url}")


def _password(from_stdin: bool, *, new: bool = False) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        _need_terminal("--password-stdin")
        password = getpass.getpass("Password: ", stream=sys.stderr)
        if new and getpass.getpass("The same again: ", stream=sys.stderr) != password:
            raise typer.BadParameter("The two passwords differ.")
    if not password:
        raise typer.BadParameter("The password is empty.", param_hint="--password-stdin")
    return password


def _ask(what: str) -> str:
    """Ask on standard error, so that standard output holds the result alone."""
    _need_terminal(f"--{what.lower()}")
    sys.stderr.write(f"{what}: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def _need_terminal(option: str) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter(f"There is no terminal to ask at: give {option}.")
