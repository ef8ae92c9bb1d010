"""Codes with which an admin lets one person make an account."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Connection, Engine, delete, insert, select
from sqlmodel import col

from backend.clock import Clock
from backend.database import reading, writing
from backend.errors import not_found
from backend.security.codes import INVITATION, code_sha256, new_code
from backend.tables.account import Invitation, Role

_LIFE = timedelta(days=7)


class InvitationRequest(BaseModel):
    """An invitation that is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role = Role.MEMBER


class InvitationPublic(BaseModel):
    """An invitation that nobody has used, without its code."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: UUID
    role: Role
    created_at: datetime
    expires_at: datetime


class NewInvitation(InvitationPublic):
    """An invitation that was just made. `code` is shown here and never again."""

    code: str = Field(description="For one use at /api/auth/register.")


class Invitations:
    """Makes, lists and withdraws invitations."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def make(self, role: Role, created_by: UUID) -> NewInvitation:
        """Make an invitation for one person, good for 7 days."""
        now, code = self._clock(), new_code(INVITATION, random_bytes=18)
        row = Invitation(
            id=uuid4(),
            sha256=code_sha256(code),
            role=role,
            created_by=created_by,
            created_at=now,
            expires_at=now + _LIFE,
        )
        with writing(self._engine) as connection:
            connection.execute(delete(Invitation).where(col(Invitation.expires_at) <= now))
            connection.execute(insert(Invitation).values(row.model_dump()))
        return NewInvitation(**InvitationPublic.model_validate(row).model_dump(), code=code)

    def open(self) -> list[InvitationPublic]:
        """Return those that can still be used, oldest first."""
        good = select(Invitation).where(col(Invitation.expires_at) > self._clock())
        with reading(self._engine) as connection:
            rows = connection.execute(good.order_by(col(Invitation.created_at))).mappings()
            return [InvitationPublic.model_validate(dict(row)) for row in rows]

    def withdraw(self, invitation_id: UUID) -> None:
        """Delete an invitation.

        Raises:
            Refusal: 404: there is none.
        """
        one = delete(Invitation).where(col(Invitation.id) == invitation_id)
        with writing(self._engine) as connection:
            if not connection.execute(one).rowcount:
                raise not_found()


def invited(connection: Connection, code: str, now: datetime) -> bool:
    """Return whether `code` is good."""
    good = select(col(Invitation.id)).where(_good(code, now))
    return connection.scalar(good) is not None


def use_invitation(connection: Connection, code: str, now: datetime) -> Role | None:
    """Use up `code` and return the role it gives, or None when it is not good."""
    used = delete(Invitation).where(_good(code, now)).returning(col(Invitation.role))
    role = connection.scalar(used)
    return None if role is None else Role(role)


def _good(code: str, now: datetime) -> ColumnElement[bool]:
    return (col(Invitation.sha256) == code_sha256(code)) & (col(Invitation.expires_at) > now)
