"""Alembic's entry: migrate over the connection that `backend.migrate` opened."""

from alembic import context

from backend.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
