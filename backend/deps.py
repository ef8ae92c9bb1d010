"""What routes are given: the database, the settings, and who calls with which rights.

Who calls is decided here and nowhere else, by a dependency of the route and never by the path of a
request. `CurrentUser` is enough for reading; whatever changes something needs a `Writer`, also when
a route asks for a `CurrentUser` only.
"""

from typing import Annotated

from fastapi import Depends
from fastapi.security import OAuth2PasswordBearer
from sqlalchemy import Engine
from starlette.requests import HTTPConnection

from backend.accounts.accounts import Accounts
from backend.accounts.api_keys import Scope
from backend.accounts.authenticate import Caller
from backend.errors import Refusal
from backend.settings import Settings
from backend.tables.account import Role, User

_READING = {"GET", "HEAD", "OPTIONS"}
# For the API's description alone: the header is read by `Authenticator`.
_scheme = OAuth2PasswordBearer(tokenUrl="/api/auth/token", auto_error=False)


async def get_engine(connection: HTTPConnection) -> Engine:
    """Return the database."""
    engine: Engine = connection.app.state.engine
    return engine


async def get_settings(connection: HTTPConnection) -> Settings:
    """Return the settings."""
    settings: Settings = connection.app.state.settings
    return settings


async def get_accounts(connection: HTTPConnection) -> Accounts:
    """Return what knows the accounts."""
    accounts: Accounts = connection.app.state.accounts
    return accounts


async def get_address(connection: HTTPConnection) -> str | None:
    """Return from where the request comes."""
    return connection.client.host if connection.client else None


EngineDep = Annotated[Engine, Depends(get_engine)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
AccountsDep = Annotated[Accounts, Depends(get_accounts)]
Address = Annotated[str | None, Depends(get_address)]


# The only one that waits, for the database, and so the only one in a thread.
def get_caller(
    connection: HTTPConnection,
    accounts: AccountsDep,
    _shown: Annotated[str | None, Depends(_scheme)],
) -> Caller:
    """Return who calls, or answer 401."""
    return accounts.authenticator.caller(connection.headers.getlist("authorization"))


CallerDep = Annotated[Caller, Depends(get_caller)]


async def get_writer(caller: CallerDep) -> User:
    """Return the user when they may change things, or answer 403."""
    if caller.user.role not in (Role.ADMIN, Role.MEMBER):
        raise Refusal(403, "You may look at things, not change them. Ask an admin for the role.")
    if Scope.WRITE not in caller.scopes:
        raise Refusal(403, "This API key may only read. Make one with the scope 'write'.")
    return caller.user


async def get_current_user(connection: HTTPConnection, caller: CallerDep) -> User:
    """Return the user when they may do what the method says, or answer 403."""
    if connection.scope.get("method", "GET") not in _READING:
        return await get_writer(caller)
    if Scope.READ not in caller.scopes:
        raise Refusal(403, "This API key may not read. Make one with the scope 'read'.")
    return caller.user


async def get_signed_in(caller: CallerDep) -> Caller:
    """Return who calls when they signed in with a password: a key never gives out rights."""
    if caller.session_id is None:
        raise Refusal(403, "An API key may not do this. Sign in with your password.")
    return caller


SignedIn = Annotated[Caller, Depends(get_signed_in)]


async def get_admin(caller: SignedIn) -> User:
    """Return the user when they are an admin who signed in, or answer 403."""
    if caller.user.role != Role.ADMIN:
        raise Refusal(403, "Only an admin may do this.")
    return caller.user


CurrentUser = Annotated[User, Depends(get_current_user)]
Writer = Annotated[User, Depends(get_writer)]
Admin = Annotated[User, Depends(get_admin)]
