"""A dataset as its owner knows it: a name, and the immutable version it stands for."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import JSON, Column, UniqueConstraint
from sqlmodel import Field, SQLModel

from backend.database import UtcDateTime


class Dataset(SQLModel, table=True):
    """One dataset of one owner."""

    __tablename__ = "datasets"
    __table_args__ = (UniqueConstraint("owner_id", "name"),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    owner_id: UUID = Field(index=True)
    name: str = Field(max_length=96)
    version: str = Field(max_length=96, description="Name of the dataset version's file.")
    source: str = Field(max_length=300, description="Where it came from, as its owner would say.")
    format: str = Field(max_length=32)
    rows: int
    report: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    policy: dict[str, Any] = Field(
        default_factory=dict, sa_column=Column(JSON, nullable=False, server_default="{}")
    )
    audit: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True)))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
