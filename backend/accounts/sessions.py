"""Where a user is signed in: access tokens of minutes, and refresh tokens used once.

Each use of a refresh token gives the next one. One that comes a second time was copied, by its
owner or by a thief; nobody can say which, so the whole family ends and both sign in again.
"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Engine, delete, insert, or_, select, update
from sqlmodel import col

from backend.clock import Clock
from backend.database import writing
from backend.errors import Refusal
from backend.security.codes import REFRESH_TOKEN, code_sha256, new_code
from backend.security.tokens import AccessTokens
from backend.tables.account import RefreshToken, SignInSession, User

_LIFE = timedelta(days=14)


class TokenPair(BaseModel):
    """What a client signs its requests with, and what it gets the next pair with."""

    model_config = ConfigDict(frozen=True)

    access_token: str = Field(description="For the header 'Authorization: Bearer ...'.")
    refresh_token: str = Field(description="Good for one use at /api/auth/refresh, in 14 days.")
    token_type: Literal["bearer"] = "bearer"
    expires_in: int = Field(description="Seconds for which the access token is good.")


def bad_token() -> Refusal:
    """Return the one answer for every token that is not good, whatever is wrong with it."""
    return Refusal(401, "You are not signed in, or no longer. Sign in again.")


class Sessions:
    """Opens, renews and ends sessions."""

    def __init__(self, engine: Engine, clock: Clock, tokens: AccessTokens) -> None:
        self._engine = engine
        self._clock = clock
        self._tokens = tokens

    def open(self, connection: Connection, user: User) -> TokenPair:
        """Sign `user` in once more, inside the caller's transaction."""
        now = self._clock()
        over = or_(col(SignInSession.expires_at) <= now, col(SignInSession.ended_at).is_not(None))
        mine = col(SignInSession.user_id) == user.id
        connection.execute(delete(SignInSession).where(mine, over))
        session = SignInSession(id=uuid4(), user_id=user.id, created_at=now, expires_at=now + _LIFE)
        connection.execute(insert(SignInSession).values(session.model_dump()))
        return self._pair(connection, session.id, user)

    def refresh(self, refresh_token: str) -> TokenPair:
        """Return the next pair of tokens.

        Raises:
            Refusal: 401: the token was used before, is over, or none of ours.
        """
        with writing(self._engine) as connection:
            pair = self._rotate(connection, code_sha256(refresh_token))
        if pair is None:  # after the transaction: the end of the family is kept
            raise bad_token()
        return pair

    def end(self, session_id: UUID) -> None:
        """Sign out there."""
        with writing(self._engine) as connection:
            end_session(connection, session_id, self._clock())

    def end_all(self, user_id: UUID) -> None:
        """Sign out everywhere."""
        with writing(self._engine) as connection:
            end_sessions(connection, user_id, self._clock())

    def _rotate(self, connection: Connection, sha256: str) -> TokenPair | None:
        now = self._clock()
        token = col(RefreshToken.sha256) == sha256
        session_id = connection.scalar(
            update(RefreshToken)
            .where(token, col(RefreshToken.used_at).is_(None), col(RefreshToken.expires_at) > now)
            .values(used_at=now)
            .returning(col(RefreshToken.session_id))
        )
        if session_id is None:
            copied = select(col(RefreshToken.session_id)).where(
                token, col(RefreshToken.used_at).is_not(None)
            )
            family = connection.scalar(copied)
            if family is not None:
                end_session(connection, family, now)
            return None
        user = signed_in_user(connection, session_id)
        return None if user is None else self._pair(connection, session_id, user)

    def _pair(self, connection: Connection, session_id: UUID, user: User) -> TokenPair:
        now = self._clock()
        refresh_token = new_code(REFRESH_TOKEN)
        family = col(RefreshToken.session_id) == session_id
        connection.execute(delete(RefreshToken).where(family, col(RefreshToken.expires_at) <= now))
        connection.execute(
            insert(RefreshToken).values(
                sha256=code_sha256(refresh_token), session_id=session_id, expires_at=now + _LIFE
            )
        )
        connection.execute(
            update(SignInSession)
            .where(col(SignInSession.id) == session_id)
            .values(expires_at=now + _LIFE)
        )
        return TokenPair(
            access_token=self._tokens.issue(user.id, session_id, user.ver),
            refresh_token=refresh_token,
            expires_in=self._tokens.seconds,
        )


def signed_in_user(connection: Connection, session_id: UUID) -> User | None:
    """Return whose session it is, while it goes on and the user may sign in."""
    row = connection.execute(
        select(User)
        .join(SignInSession, col(SignInSession.user_id) == col(User.id))
        .where(
            col(SignInSession.id) == session_id,
            col(SignInSession.ended_at).is_(None),
            col(User.active),
        )
    ).mappings()
    found = row.one_or_none()
    return None if found is None else User.model_validate(dict(found))


def end_session(connection: Connection, session_id: UUID, now: datetime) -> None:
    """End one session, unless it has ended."""
    going = col(SignInSession.id) == session_id, col(SignInSession.ended_at).is_(None)
    connection.execute(update(SignInSession).where(*going).values(ended_at=now))


def end_sessions(connection: Connection, user_id: UUID, now: datetime) -> None:
    """End every session of a user, and void every access token."""
    mine = col(SignInSession.user_id) == user_id, col(SignInSession.ended_at).is_(None)
    connection.execute(update(SignInSession).where(*mine).values(ended_at=now))
    connection.execute(update(User).where(col(User.id) == user_id).values(ver=User.ver + 1))
