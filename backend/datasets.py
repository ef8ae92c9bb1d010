"""The names that owners gave their datasets, in the database. The rows themselves are files."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, delete, insert, select, update
from sqlmodel import col

from backend.clock import utc_now
from backend.database import reading, writing
from backend.tables.dataset import Dataset
from tools.data.audit_dataset import AuditReport
from tools.data.data_policy import DataPolicy
from tools.data.import_dataset import ImportReport


def keep_dataset(
    engine: Engine,
    owner_id: UUID,
    name: str,
    *,
    imported: ImportReport,
    audit: AuditReport,
    policy: DataPolicy,
) -> UUID:
    """Let `name` stand for what was imported; a name that is there stands for it from now on."""
    values: dict[str, Any] = {
        "version": imported.dataset,
        "source": imported.source[:300],
        "format": imported.format,
        "rows": imported.rows_imported,
        "report": imported.model_dump(mode="json"),
        "audit": audit.model_dump(mode="json"),
        "policy": policy.model_dump(mode="json"),
        "created_at": utc_now(),
    }
    fits = (col(Dataset.owner_id) == owner_id, col(Dataset.name) == name)
    with writing(engine) as connection:
        statement = update(Dataset).where(*fits).values(values).returning(col(Dataset.id))
        known = connection.scalar(statement)
        if known is not None:
            return known
        new_id = uuid4()
        new = {"id": new_id, "owner_id": owner_id, "name": name, **values}
        connection.execute(insert(Dataset).values(new))
        return new_id


def change_dataset(engine: Engine, owner_id: UUID, name: str, values: Mapping[str, Any]) -> bool:
    """Change columns of the owner's dataset; return whether there is one of that name."""
    fits = (col(Dataset.owner_id) == owner_id, col(Dataset.name) == name)
    with writing(engine) as connection:
        return connection.execute(update(Dataset).where(*fits).values(**values)).rowcount == 1


def find_dataset(engine: Engine, owner_id: UUID, name: str) -> Dataset | None:
    """Return the owner's dataset of that name, or None."""
    fits = (col(Dataset.owner_id) == owner_id, col(Dataset.name) == name)
    with reading(engine) as connection:
        row = connection.execute(select(Dataset).where(*fits)).mappings().one_or_none()
    return None if row is None else Dataset.model_validate(dict(row))


def list_datasets(engine: Engine, owner_id: UUID) -> list[Dataset]:
    """Return the owner's datasets by name."""
    statement = select(Dataset).where(col(Dataset.owner_id) == owner_id)
    with reading(engine) as connection:
        rows = connection.execute(statement.order_by(col(Dataset.name))).mappings()
        return [Dataset.model_validate(dict(row)) for row in rows]


def forget_dataset(engine: Engine, owner_id: UUID, name: str) -> bool:
    """Forget the name; return whether there was one. Versions that runs used stay with them."""
    fits = (col(Dataset.owner_id) == owner_id, col(Dataset.name) == name)
    with writing(engine) as connection:
        return connection.execute(delete(Dataset).where(*fits)).rowcount == 1
