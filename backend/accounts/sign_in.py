"""Sign in with a password, and change it.

Whatever is wrong (unknown user, wrong password, an account that is closed), the answer and the time
it takes are the same.
"""

from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy import Engine, update
from sqlmodel import col

from backend.accounts.hashing import Hashing
from backend.accounts.sessions import Sessions, TokenPair, bad_token, end_sessions
from backend.accounts.throttle import Attempt, Throttle
from backend.accounts.usernames import canonical_username
from backend.accounts.users import find_user
from backend.clock import Clock
from backend.database import reading, writing
from backend.errors import Refusal, refused_field
from backend.tables.account import User


class PasswordChange(BaseModel):
    """A new password, with the one that holds until now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    current_password: SecretStr
    new_password: SecretStr = Field(description="At least 15 characters.")


class SignIn:
    """Exchanges passwords for tokens."""

    def __init__(self, engine: Engine, clock: Clock, hashing: Hashing, sessions: Sessions) -> None:
        self._engine = engine
        self._clock = clock
        self._hashing = hashing
        self._sessions = sessions
        self._throttle = Throttle(engine, clock)

    def with_password(self, username: str, password: str, address: str | None) -> TokenPair:
        """Sign in.

        Raises:
            Refusal: 401: name or password are wrong; 429: too many attempts.
        """
        name = canonical_username(username)
        attempt = Attempt(name or username, address)
        user = self._proven(name, password, attempt)
        if user is None or not user.active:
            raise Refusal(
                401,
                "The username or the password is wrong.",
                code="wrong_credentials",
                headers={"WWW-Authenticate": "Bearer"},
            )
        self._throttle.forgive(attempt)
        with writing(self._engine) as connection:
            return self._sessions.open(connection, user)

    def change_password(
        self, user_id: UUID, change: PasswordChange, address: str | None
    ) -> TokenPair:
        """Change a user's password, sign out everywhere, and sign in here.

        Raises:
            Refusal: 422: the current password is wrong or the new one refused; 429: too many
                attempts.
        """
        with reading(self._engine) as connection:
            user = find_user(connection, col(User.id) == user_id)
        if user is None:
            raise bad_token()
        attempt = Attempt(user.username, address)
        proven = self._proven(user.username, change.current_password.get_secret_value(), attempt)
        if proven is None:
            detail = "This is not your current password."
            raise refused_field("/current_password", "wrong_password", detail)
        self._throttle.forgive(attempt)
        new_hash = self._hashing.new_hash(
            change.new_password.get_secret_value(), user.username, pointer="/new_password"
        )
        return self._replace(proven, new_hash)

    def _proven(self, username: str | None, password: str, attempt: Attempt) -> User | None:
        """Return the user of that name when the password is theirs, after counting the attempt."""
        self._throttle.check(attempt)
        found: list[User] = []

        def find_hash() -> str | None:
            self._throttle.count(attempt)
            with reading(self._engine) as connection:
                user = find_user(connection, col(User.username) == (username or ""))
            if user is None:
                return None
            found.append(user)
            return user.password_hash

        return found[0] if self._hashing.fits(password, find_hash) else None

    def _replace(self, user: User, new_hash: str) -> TokenPair:
        # Only the hash that was just proven is replaced: of two changes at once, one holds.
        proven = col(User.id) == user.id, col(User.password_hash) == user.password_hash
        with writing(self._engine) as connection:
            changed = connection.execute(
                update(User).where(*proven).values(password_hash=new_hash)
            ).rowcount
            if not changed:
                raise bad_token()
            end_sessions(connection, user.id, self._clock())
            now_valid = find_user(connection, (col(User.id) == user.id) & col(User.active))
            if now_valid is None:
                raise bad_token()
            return self._sessions.open(connection, now_valid)
