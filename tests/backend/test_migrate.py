from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect

from backend.database import reading
from backend.migrate import migrate, migrate_back
from backend.tables import metadata


def test_migrations_make_what_the_tables_say(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_can_be_undone_and_done_again(engine: Engine) -> None:
    migrate_back(engine)
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}

    migrate(engine)
    migrate(engine)
    assert {"jobs", "job_events"} <= set(inspect(engine).get_table_names())
