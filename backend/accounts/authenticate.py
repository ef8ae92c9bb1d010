"""Know who calls: by an access token of a session, or by an API key.

Everything that can change is read from the database at each request: whether the session goes on,
whether the user may sign in, and the role.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine

from backend.accounts.api_keys import ApiKeys, Scope
from backend.accounts.sessions import bad_token, signed_in_user
from backend.database import reading
from backend.security.codes import API_KEY
from backend.security.tokens import AccessTokens, BadToken
from backend.tables.account import User

_BEARER = re.compile(r"(?i:bearer) ([A-Za-z0-9._~+/=-]{1,2048})")


@dataclass(frozen=True)
class Caller:
    """Who calls, and with what."""

    user: User
    scopes: frozenset[Scope]
    session_id: UUID | None = None
    expires_at: datetime | None = None
    key_id: UUID | None = None


class Authenticator:
    """Turns the header `Authorization` into a caller."""

    def __init__(self, engine: Engine, tokens: AccessTokens, api_keys: ApiKeys) -> None:
        self._engine = engine
        self._tokens = tokens
        self._api_keys = api_keys

    def caller(self, authorization: list[str]) -> Caller:
        """Return who sent these `Authorization` headers; exactly one is right.

        Raises:
            Refusal: 401, the same whatever is wrong.
        """
        given = _BEARER.fullmatch(authorization[0]) if len(authorization) == 1 else None
        if given is None:
            raise bad_token()
        return self.of_token(given[1])

    def of_token(self, token: str) -> Caller:
        """Return whose access token or API key it is, now. A long stream asks again and again.

        Raises:
            Refusal: 401, the same whatever is wrong.
        """
        found = self._by_key(token) if token.startswith(API_KEY) else self._by_session(token)
        if found is None:
            raise bad_token()
        return found

    def _by_session(self, token: str) -> Caller | None:
        try:
            access = self._tokens.read(token)
        except BadToken:
            return None
        with reading(self._engine) as connection:
            user = signed_in_user(connection, access.session_id)
        if user is None or user.id != access.user_id or user.ver != access.ver:
            return None
        return Caller(
            user=user,
            scopes=frozenset(Scope),
            session_id=access.session_id,
            expires_at=access.expires_at,
        )

    def _by_key(self, key: str) -> Caller | None:
        found = self._api_keys.use(key)
        if found is None:
            return None
        api_key, user = found
        return Caller(
            user=user,
            scopes=frozenset(Scope(scope) for scope in api_key.scopes),
            key_id=api_key.id,
        )
