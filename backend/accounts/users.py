"""Find users, and let admins change what they may do.

There is always an admin who can sign in: the last one is never demoted nor deactivated, and nobody
changes their own role. Not covered: how accounts begin (`registration.py`).
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Connection, Engine, select, update
from sqlmodel import col

from backend.accounts.sessions import end_sessions
from backend.accounts.upsert import insert_into
from backend.clock import Clock
from backend.database import reading, writing
from backend.errors import Refusal, not_found
from backend.tables.account import Role, User


class UserPublic(BaseModel):
    """A user, as admins and they themselves see them."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: UUID
    username: str
    role: Role
    active: bool
    created_at: datetime


class Users:
    """The people who have an account."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def everyone(self) -> list[User]:
        """Return all users by name."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(User).order_by(col(User.username))).mappings()
            return [User.model_validate(dict(row)) for row in rows]

    def change(
        self, user_id: UUID, *, by: UUID, role: Role | None = None, active: bool | None = None
    ) -> User:
        """Change a user's role, or whether they may sign in. Whoever may not is signed out.

        Raises:
            Refusal: There is no such user, it is oneself, or the last admin.
        """
        if user_id == by:
            raise Refusal(409, "Nobody changes their own role. Ask another admin.", code="own_role")
        changes = {"role": role, "active": active}
        values = {name: value for name, value in changes.items() if value is not None}
        with writing(self._engine) as connection:
            others = [one for one in _lock_admins(connection) if one != user_id]
            if not others and (role not in (None, Role.ADMIN) or active is False):
                detail = "The last admin stays one. Make another user an admin first."
                raise Refusal(409, detail, code="last_admin")
            connection.execute(update(User).where(col(User.id) == user_id).values(values))
            user = find_user(connection, col(User.id) == user_id)
            if user is None:
                raise not_found()
            if active is False:
                end_sessions(connection, user_id, self._clock())
            return user


def find_user(connection: Connection, where: ColumnElement[bool]) -> User | None:
    """Return the user that fits `where`, if there is one."""
    row = connection.execute(select(User).where(where)).mappings().one_or_none()
    return None if row is None else User.model_validate(dict(row))


def add_user(connection: Connection, user: User) -> bool:
    """Insert `user` unless the name is taken; return whether it was free."""
    statement = insert_into(connection, User).values(user.model_dump()).on_conflict_do_nothing()
    # Not `rowcount`: PostgreSQL's driver gives none for an insert.
    return connection.scalar(statement.returning(col(User.id))) is not None


def _lock_admins(connection: Connection) -> Sequence[UUID]:
    """Return who is an admin; until the end of the transaction nobody else changes that."""
    admins = col(User.role) == Role.ADMIN, col(User.active)
    return connection.scalars(select(col(User.id)).where(*admins).with_for_update()).all()
