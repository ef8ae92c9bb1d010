"""Everything about accounts, put together for one database and one secret."""

from dataclasses import dataclass

from sqlalchemy import Engine

from backend.accounts.api_keys import ApiKeys
from backend.accounts.authenticate import Authenticator
from backend.accounts.hashing import Hashing
from backend.accounts.invitations import Invitations
from backend.accounts.registration import Registrations
from backend.accounts.sessions import Sessions
from backend.accounts.sign_in import SignIn
from backend.accounts.still_signed_in import StillSignedIn
from backend.accounts.users import Users
from backend.clock import Clock
from backend.security.passwords import Passwords
from backend.security.tokens import AccessTokens


@dataclass(frozen=True)
class Accounts:
    """The parts that the routes call."""

    users: Users
    invitations: Invitations
    registrations: Registrations
    sign_in: SignIn
    sessions: Sessions
    api_keys: ApiKeys
    authenticator: Authenticator
    still_signed_in: StillSignedIn


def open_accounts(engine: Engine, clock: Clock, secret: bytes, passwords: Passwords) -> Accounts:
    """Put the parts together."""
    tokens = AccessTokens(secret, clock)
    sessions = Sessions(engine, clock, tokens)
    api_keys = ApiKeys(engine, clock)
    hashing = Hashing(passwords)
    authenticator = Authenticator(engine, tokens, api_keys)
    return Accounts(
        users=Users(engine, clock),
        invitations=Invitations(engine, clock),
        registrations=Registrations(engine, clock, hashing),
        sign_in=SignIn(engine, clock, hashing, sessions),
        sessions=sessions,
        api_keys=api_keys,
        authenticator=authenticator,
        still_signed_in=StillSignedIn(authenticator),
    )
