"""Users, where they are signed in, their keys, invitations, and failed attempts to sign in.

No password, token, key or code is kept: passwords as slow hashes, the others, which nobody could
guess, as SHA-256.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, Column, ForeignKey
from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


def _belongs_to(place: str, *, index: bool = True) -> Any:
    return Column(ForeignKey(place, ondelete="CASCADE"), nullable=False, index=index)


def _moment(*, nullable: bool = False, index: bool = False) -> Any:
    return Column(UtcDateTime, nullable=nullable, index=index)


class Role(StrEnum):
    """What a user may do: a viewer only looks, a member works, an admin also manages users."""

    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class User(SQLModel, table=True):
    """A person with an account."""

    __tablename__ = "users"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    username: str = Field(max_length=32, unique=True, description="In its canonical form.")
    password_hash: str = Field(max_length=128)
    role: str = Field(max_length=16)
    active: bool = True
    ver: int = Field(default=0, description="Access tokens that name an older one are void.")
    created_at: datetime = Field(sa_column=_moment())


class SignInSession(SQLModel, table=True):
    """A place where a user is signed in: the family of refresh tokens that began there."""

    __tablename__ = "sign_in_sessions"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID = Field(sa_column=_belongs_to("users.id"))
    created_at: datetime = Field(sa_column=_moment())
    expires_at: datetime = Field(sa_column=_moment())
    ended_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class RefreshToken(SQLModel, table=True):
    """A refresh token, also after its use: whoever sends it a second time ends the family."""

    __tablename__ = "refresh_tokens"

    sha256: str = Field(primary_key=True, max_length=64)
    session_id: UUID = Field(sa_column=_belongs_to("sign_in_sessions.id"))
    expires_at: datetime = Field(sa_column=_moment())
    used_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class ApiKey(SQLModel, table=True):
    """A key that a program signs in with in the user's place."""

    __tablename__ = "api_keys"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    user_id: UUID = Field(sa_column=_belongs_to("users.id"))
    name: str = Field(max_length=64)
    start: str = Field(max_length=8, description="Its first characters, to tell keys apart.")
    sha256: str = Field(max_length=64, unique=True)
    scopes: list[str] = Field(sa_column=Column(JSON, nullable=False))
    created_at: datetime = Field(sa_column=_moment())
    last_used_at: datetime | None = Field(default=None, sa_column=_moment(nullable=True))


class Invitation(SQLModel, table=True):
    """A code with which one person makes an account."""

    __tablename__ = "invitations"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    sha256: str = Field(max_length=64, unique=True)
    role: str = Field(max_length=16)
    created_by: UUID = Field(sa_column=_belongs_to("users.id", index=False))
    created_at: datetime = Field(sa_column=_moment())
    expires_at: datetime = Field(sa_column=_moment())


class SignInFailure(SQLModel, table=True):
    """How often signing in failed for an account or from an address, known by its SHA-256."""

    __tablename__ = "sign_in_failures"

    key: str = Field(primary_key=True, max_length=64)
    failures: int
    last_at: datetime = Field(sa_column=_moment(index=True))
    blocked_until: datetime = Field(sa_column=_moment())


class StudioSetting(SQLModel, table=True):
    """Something that an admin, or the first start, decided for the whole studio."""

    __tablename__ = "studio_settings"

    name: str = Field(primary_key=True, max_length=32)
    value: str = Field(max_length=64)
