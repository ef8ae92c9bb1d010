"""Jobs, their events and their queues."""

import sqlalchemy as sa
from alembic import op

from backend.database import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    queues = op.create_table("queues", sa.Column("name", sa.String(16), primary_key=True))
    op.bulk_insert(queues, [{"name": "cpu"}, {"name": "gpu"}])
    op.create_table(
        "jobs",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("id", sa.Uuid, nullable=False, unique=True),
        sa.Column("owner_id", sa.Uuid, nullable=False, index=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("queue", sa.String(16), sa.ForeignKey("queues.name"), nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("idempotency_key", sa.String(128)),
        sa.Column("request_sha256", sa.String(64), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("beats", sa.Integer, nullable=False),
        sa.Column("events", sa.Integer, nullable=False),
        sa.Column("worker", sa.JSON),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("percent", sa.Float, nullable=False),
        sa.Column("seconds_left", sa.Float),
        sa.Column("result", sa.JSON),
        sa.Column("error", sa.JSON),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("not_before", UtcDateTime, nullable=False),
        sa.Column("started_at", UtcDateTime),
        sa.Column("ended_at", UtcDateTime),
        sa.UniqueConstraint("owner_id", "idempotency_key"),
    )
    op.create_index("ix_jobs_line", "jobs", ["queue", "status", "priority", "number"])
    op.create_table(
        "job_events",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("job_id", sa.Uuid, sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("data", sa.JSON, nullable=False),
        sa.Column("token", sa.Integer, nullable=False),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.UniqueConstraint("job_id", "sequence"),
    )
    ending = sa.text("final")
    op.create_index(
        "ux_job_events_ending",
        "job_events",
        ["job_id"],
        unique=True,
        sqlite_where=ending,
        postgresql_where=ending,
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("job_events", "jobs", "queues"):
        op.drop_table(table)
