"""How accounts begin: the first by the setup code, later ones by invitation or open registration.

Whether someone may have an account is looked at before their password is hashed, which is slow, and
decided in the transaction that makes the account.
"""

from collections.abc import Callable
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from sqlalchemy import Connection, Engine, delete, select
from sqlmodel import col

from backend.accounts.hashing import Hashing
from backend.accounts.invitations import invited, use_invitation
from backend.accounts.setup_code import is_setup_code, setup_needed, use_setup_code
from backend.accounts.upsert import insert_into
from backend.accounts.usernames import Username
from backend.accounts.users import add_user
from backend.clock import Clock
from backend.database import reading, writing
from backend.errors import Refusal, refused_field
from backend.tables.account import Role, StudioSetting, User

_OPEN = "registration_open"


class _NewAccount(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    username: Username
    password: SecretStr = Field(description="At least 15 characters.")


class Setup(_NewAccount):
    """The first admin's account."""

    setup_code: str = Field(max_length=128, description="As the start of the studio printed it.")


class Registration(_NewAccount):
    """An account that a person asks for."""

    invitation_code: str | None = Field(default=None, max_length=128)


class RegistrationState(BaseModel):
    """Which way to an account is open."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    setup_needed: bool = Field(description="There is no account yet: use the setup code.")
    open: bool = Field(description="Anyone may register, as a member.")


class Registrations:
    """Makes accounts."""

    def __init__(self, engine: Engine, clock: Clock, hashing: Hashing) -> None:
        self._engine = engine
        self._clock = clock
        self._hashing = hashing

    def set_up(self, setup: Setup) -> User:
        """Make the first admin.

        Raises:
            Refusal: 403: the code is not good; 422: the password; 429: too busy.
        """
        return self._make(
            setup,
            allowed=lambda connection: is_setup_code(connection, setup.setup_code),
            admit=lambda connection: (
                Role.ADMIN if use_setup_code(connection, setup.setup_code) else None
            ),
            refusal=Refusal(
                403,
                "The setup code is wrong, or was used. The start of the studio prints one "
                "while there is no account.",
                code="setup_code_refused",
            ),
        )

    def register(self, registration: Registration) -> User:
        """Make an account by invitation, or because registration is open.

        Raises:
            Refusal: 403: neither; 409: the name is taken; 422: the password; 429: too busy.
        """
        code, now = registration.invitation_code, self._clock()

        def admit(connection: Connection) -> Role | None:
            if code is not None:
                return use_invitation(connection, code, now)
            return Role.MEMBER if _is_open(connection) else None

        return self._make(
            registration,
            allowed=lambda connection: (
                _is_open(connection) if code is None else invited(connection, code, now)
            ),
            admit=admit,
            refusal=Refusal(
                403,
                "You need an invitation code that is unused and not over. Ask an admin for one.",
                code="registration_refused",
            ),
        )

    def state(self) -> RegistrationState:
        """Return which way to an account is open."""
        with reading(self._engine) as connection:
            needed = setup_needed(connection)
            return RegistrationState(setup_needed=needed, open=not needed and _is_open(connection))

    def open_or_close(self, *, open_: bool) -> None:
        """Let anyone register, or nobody without an invitation."""
        with writing(self._engine) as connection:
            connection.execute(delete(StudioSetting).where(col(StudioSetting.name) == _OPEN))
            if open_:
                values = {"name": _OPEN, "value": "yes"}
                statement = insert_into(connection, StudioSetting).values(values)
                connection.execute(statement.on_conflict_do_nothing())

    def _make(
        self,
        account: _NewAccount,
        *,
        allowed: Callable[[Connection], bool],
        admit: Callable[[Connection], Role | None],
        refusal: Refusal,
    ) -> User:
        with reading(self._engine) as connection:
            if not allowed(connection):
                raise refusal
        password_hash = self._hashing.new_hash(
            account.password.get_secret_value(), account.username, pointer="/password"
        )
        with writing(self._engine) as connection:
            role = admit(connection)
            if role is None:
                raise refusal
            user = User(
                id=uuid4(),
                username=account.username,
                password_hash=password_hash,
                role=role,
                created_at=self._clock(),
            )
            # A refusal undoes the transaction: the code is still good for another name.
            if not add_user(connection, user):
                detail = "This username is taken. Choose another."
                raise refused_field("/username", "username_taken", detail, status=409)
            return user


def _is_open(connection: Connection) -> bool:
    chosen = select(col(StudioSetting.name)).where(col(StudioSetting.name) == _OPEN)
    return connection.scalar(chosen) is not None
