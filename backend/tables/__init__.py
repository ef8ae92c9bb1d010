"""What the database keeps, one module a noun. Importing this knows every table."""

from sqlmodel import SQLModel

from backend.tables.account import (
    ApiKey,
    Invitation,
    RefreshToken,
    SignInFailure,
    SignInSession,
    StudioSetting,
    User,
)
from backend.tables.dataset import Dataset
from backend.tables.job import Job, JobEvent, Queue

__all__ = [
    "ApiKey",
    "Dataset",
    "Invitation",
    "Job",
    "JobEvent",
    "Queue",
    "RefreshToken",
    "SignInFailure",
    "SignInSession",
    "StudioSetting",
    "User",
    "metadata",
]

metadata = SQLModel.metadata
