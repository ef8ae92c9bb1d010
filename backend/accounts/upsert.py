"""Insert rows that may be there already, in the dialect of the database at hand."""

from typing import Any

from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Any) -> postgresql.Insert | sqlite.Insert:
    """Return an insert that knows `on_conflict_...`."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)
