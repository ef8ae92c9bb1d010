"""Send to MLflow what it missed while it was away: `python -m backend.send_unsent`.

A process of its own, because MLflow's client is heavy and the server stays light without it.
"""

import logging
import sys
from pathlib import Path

from sqlalchemy import Engine

from backend.database import open_database, reading
from backend.jobs.queries import runs_at_work
from backend.logs import configure_logs
from backend.settings import Settings, quiet_libraries
from tools.errors import ToolError
from tools.tracking.send_unsent import send_unsent, unsent_runs

logger = logging.getLogger(__name__)


def main() -> int:
    """Send what there is; return 1 when something could not be sent."""
    quiet_libraries()
    configure_logs()
    settings = Settings()
    engine = open_database(settings.studio_database_url)
    store, failed = settings.tracking_store(), 0
    for folder in idle_unsent(engine, settings.data_dir):
        try:
            sent = send_unsent(store, folder)
            logger.info("Sent %d values of run %s to MLflow.", sent, folder.name)
        except ToolError as error:  # one that cannot be sent keeps no other from it
            failed = 1
            logger.warning("Run %s: %s", folder.name, error)
    return failed


def idle_unsent(engine: Engine, data_dir: Path) -> list[Path]:
    """Return the folders of runs that nobody works on and that MLflow may lack something of."""
    folders = list(unsent_runs(data_dir / "workspaces"))
    if not folders:
        return []
    with reading(engine) as connection:
        at_work = runs_at_work(connection)  # their workers send
    return [folder for folder in folders if folder.name not in at_work]


if __name__ == "__main__":
    sys.exit(main())
