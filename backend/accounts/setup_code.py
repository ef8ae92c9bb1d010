"""The one-time code with which the first admin is made. There is no account before."""

from hmac import compare_digest

from sqlalchemy import Connection, Engine, delete, func, select
from sqlmodel import col

from backend.accounts.upsert import insert_into
from backend.database import writing
from backend.security.codes import SETUP, code_sha256, new_code
from backend.tables.account import StudioSetting, User

_NAME = "setup_code_sha256"


def ensure_setup_code(engine: Engine) -> str | None:
    """Return a new code for the first admin, or None when there is a user.

    An earlier code is void from then on: only the hash of one is kept, so it cannot be shown again.
    """
    with writing(engine) as connection:
        if not setup_needed(connection):
            return None
        code = new_code(SETUP, random_bytes=18)
        values = {"name": _NAME, "value": code_sha256(code)}
        statement = insert_into(connection, StudioSetting).values(values)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["name"], set_={"value": values["value"]}
            )
        )
        return code


def setup_needed(connection: Connection) -> bool:
    """Return whether there is no user yet."""
    return not connection.scalar(select(func.count()).select_from(User))


def is_setup_code(connection: Connection, code: str) -> bool:
    """Return whether `code` would make the first admin."""
    kept = connection.scalar(
        select(col(StudioSetting.value)).where(col(StudioSetting.name) == _NAME)
    )
    return kept is not None and compare_digest(kept, code_sha256(code))


def use_setup_code(connection: Connection, code: str) -> bool:
    """Use up `code`; return whether it was good. Of two at once one is told so."""
    kept = (
        col(StudioSetting.name) == _NAME,
        col(StudioSetting.value) == code_sha256(code),
    )
    used = bool(connection.execute(delete(StudioSetting).where(*kept)).rowcount)
    return used and setup_needed(connection)
