"""What the parts of `Studio` share: the connection, and how a name becomes a part of a path."""

from urllib.parse import quote

from crewtune.connection import Connection


class Calls:
    """Requests of one kind."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection


def part(name: object) -> str:
    """Return `name` so that it is one part of a path, whatever it holds."""
    return quote(str(name), safe="")
