"""Users, where they are signed in, their keys, invitations and failures to sign in."""

from uuid import UUID

import sqlalchemy as sa
from alembic import op

from backend.database import UtcDateTime

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    _people()
    _sessions()
    op.create_table(
        "sign_in_failures",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False, index=True),
        sa.Column("blocked_until", UtcDateTime, nullable=False),
    )
    op.create_table(
        "studio_settings",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in (
        "studio_settings",
        "sign_in_failures",
        "refresh_tokens",
        "sign_in_sessions",
        "invitations",
        "api_keys",
        "users",
    ):
        op.drop_table(table)


def _user(name: str, *, index: bool = True) -> sa.Column[UUID]:
    owner = sa.ForeignKey("users.id", ondelete="CASCADE")
    return sa.Column(name, sa.Uuid, owner, nullable=False, index=index)


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("username", sa.String(32), nullable=False, unique=True),
        sa.Column("password_hash", sa.String(128), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("ver", sa.Integer, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid, primary_key=True),
        _user("user_id"),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("start", sa.String(8), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("last_used_at", UtcDateTime),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("role", sa.String(16), nullable=False),
        _user("created_by", index=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
    )


def _sessions() -> None:
    op.create_table(
        "sign_in_sessions",
        sa.Column("id", sa.Uuid, primary_key=True),
        _user("user_id"),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
    )
    session = sa.ForeignKey("sign_in_sessions.id", ondelete="CASCADE")
    op.create_table(
        "refresh_tokens",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("session_id", sa.Uuid, session, nullable=False, index=True),
        sa.Column("expires_at", UtcDateTime, nullable=False),
        sa.Column("used_at", UtcDateTime),
    )
