"""Datasets by name."""

import sqlalchemy as sa
from alembic import op

from backend.database import UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "datasets",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("owner_id", sa.Uuid, nullable=False, index=True),
        sa.Column("name", sa.String(96), nullable=False),
        sa.Column("version", sa.String(96), nullable=False),
        sa.Column("source", sa.String(300), nullable=False),
        sa.Column("format", sa.String(32), nullable=False),
        sa.Column("rows", sa.Integer, nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
        sa.Column("validation", sa.JSON, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("owner_id", "name"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("datasets")
