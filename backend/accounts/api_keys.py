"""Keys with which programs sign in in a user's place: shown once, then known by their hash."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine, delete, func, insert, select, update
from sqlmodel import col

from backend.clock import Clock
from backend.database import reading, writing
from backend.errors import Refusal, not_found
from backend.security.codes import API_KEY, code_sha256, new_code
from backend.tables.account import ApiKey, User

_MOST = 50
_SHOWN = 8  # characters: enough to tell keys apart
_NOTED_EVERY = timedelta(minutes=1)  # a write for every request would be one too many


class Scope(StrEnum):
    """What a key may be used for."""

    READ = "read"
    WRITE = "write"


class ApiKeyRequest(BaseModel):
    """A key that is asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(
        min_length=1, max_length=64, pattern=r"^[\w .-]+$", description="What it is for."
    )
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(Scope))]


class ApiKeyPublic(BaseModel):
    """A key, without what signs in."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    id: UUID
    name: str
    start: str = Field(description="Its first characters, to tell keys apart.")
    scopes: list[Scope]
    created_at: datetime
    last_used_at: datetime | None = Field(description="To the minute; null: never used.")


class NewApiKey(ApiKeyPublic):
    """A key that was just made. `key` is shown here and never again."""

    key: str


class ApiKeys:
    """Makes, lists, knows again and revokes keys."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    def make(self, user_id: UUID, request: ApiKeyRequest) -> NewApiKey:
        """Make a key.

        Raises:
            Refusal: 409: the user has too many.
        """
        key = new_code(API_KEY)
        row = ApiKey(
            id=uuid4(),
            user_id=user_id,
            name=request.name,
            start=key[:_SHOWN],
            sha256=code_sha256(key),
            scopes=[scope.value for scope in Scope if scope in request.scopes],
            created_at=self._clock(),
        )
        mine = select(func.count()).where(col(ApiKey.user_id) == user_id)
        with writing(self._engine) as connection:
            if (connection.scalar(mine) or 0) >= _MOST:
                raise Refusal(409, f"You have {_MOST} keys. Delete one that is no longer used.")
            connection.execute(insert(ApiKey).values(row.model_dump()))
        return NewApiKey(**ApiKeyPublic.model_validate(row).model_dump(), key=key)

    def of(self, user_id: UUID) -> list[ApiKeyPublic]:
        """Return the user's keys, oldest first."""
        mine = select(ApiKey).where(col(ApiKey.user_id) == user_id)
        with reading(self._engine) as connection:
            rows = connection.execute(mine.order_by(col(ApiKey.created_at))).mappings()
            return [ApiKeyPublic.model_validate(dict(row)) for row in rows]

    def revoke(self, user_id: UUID, key_id: UUID) -> None:
        """Delete a key of the user.

        Raises:
            Refusal: 404: there is none, or it is another's.
        """
        owned = col(ApiKey.id) == key_id, col(ApiKey.user_id) == user_id
        with writing(self._engine) as connection:
            if not connection.execute(delete(ApiKey).where(*owned)).rowcount:
                raise not_found()

    def use(self, key: str) -> tuple[ApiKey, User] | None:
        """Return the key and whose it is, while that user may sign in, and note the use."""
        with reading(self._engine) as connection:
            row = connection.execute(
                select(ApiKey).where(col(ApiKey.sha256) == code_sha256(key))
            ).mappings()
            found = row.one_or_none()
            if found is None:
                return None
            api_key = ApiKey.model_validate(dict(found))
            owner = connection.execute(
                select(User).where(col(User.id) == api_key.user_id, col(User.active))
            ).mappings()
            user = owner.one_or_none()
        if user is None:
            return None
        self._note_use(api_key)
        return api_key, User.model_validate(dict(user))

    def _note_use(self, api_key: ApiKey) -> None:
        now = self._clock()
        if api_key.last_used_at is not None and now - api_key.last_used_at < _NOTED_EVERY:
            return
        used = update(ApiKey).where(col(ApiKey.id) == api_key.id).values(last_used_at=now)
        with writing(self._engine) as connection:
            connection.execute(used)
