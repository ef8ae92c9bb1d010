"""Bring a database to today's shape, and back."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from backend.database import writing

_SCRIPTS = Path(__file__).parent / "migrations"


def migrate(engine: Engine, revision: str = "head") -> None:
    """Apply the migrations that are missing, up to `revision`. Twice does no harm."""
    _run(engine, lambda config: command.upgrade(config, revision))


def migrate_back(engine: Engine, revision: str = "base") -> None:
    """Undo the migrations after `revision`."""
    _run(engine, lambda config: command.downgrade(config, revision))


def _run(engine: Engine, step: Callable[[Config], None]) -> None:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        step(config)
