"""What an owner wants done with a dataset, and everything that was found in it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the two; what was checked before is in an older shape and is found again when asked."""
    with op.batch_alter_table("datasets") as table:
        table.add_column(sa.Column("policy", sa.JSON, nullable=False, server_default="{}"))
        table.add_column(sa.Column("audit", sa.JSON, nullable=True))
        table.drop_column("validation")


def downgrade() -> None:
    """Go back to the check alone, which is then to be made again."""
    with op.batch_alter_table("datasets") as table:
        table.add_column(sa.Column("validation", sa.JSON, nullable=False, server_default="{}"))
        table.drop_column("audit")
        table.drop_column("policy")
