"""Make a studio ready to be served: its folder, its database in today's shape, its first code."""

from sqlalchemy.exc import SQLAlchemyError

from backend.accounts.setup_code import ensure_setup_code
from backend.database import open_database
from backend.migrate import migrate
from backend.settings import Settings, SettingsError


def prepare(settings: Settings) -> str | None:
    """Bring the database to today's shape; return the setup code while nobody has an account.

    Raises:
        SettingsError: The database cannot be opened.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = open_database(settings.studio_database_url)
    try:
        migrate(engine)
        return ensure_setup_code(engine)
    except SQLAlchemyError as error:
        raise SettingsError(
            "The studio's database cannot be opened. Is DATABASE_URL right, and its server up?"
        ) from error
    finally:
        engine.dispose()
