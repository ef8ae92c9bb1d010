"""Hand out job events as they happen, to any number of listeners, with one reader of the database.

A listener names a job and the last sequence number it has; it gets every later event once, in
order. What is older than this process remembers is read from the table.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from uuid import UUID

from fastapi.sse import format_sse_event
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from backend.database import reading
from backend.jobs.queries import PAGE, events_after
from backend.tables.job import Job, JobEvent

logger = logging.getLogger(__name__)

_REMEMBERED = 1000  # events a job
# One small query, whatever the number of listeners, and none while nobody listens.
_BETWEEN_SECONDS = 0.05
_MOST_LISTENERS = 4000


class EventPublic(BaseModel):
    """One thing that happened to a job."""

    model_config = ConfigDict(frozen=True)

    sequence: int
    at: str
    type: str
    data: dict[str, object]
    final: bool


@dataclass(frozen=True)
class Told:
    """An event as it is sent: rendered once, for all listeners."""

    sequence: int
    final: bool
    json: str
    sse: bytes


@dataclass
class _Topic:
    """What is known of one job that is listened to."""

    latest: int
    listeners: int = 0
    told: deque[Told] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Feed:
    """The one reader, and its listeners. Lives in one event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._topics: dict[UUID, _Topic] = {}
        self._task: asyncio.Task[None] | None = None
        self.closing = False

    @property
    def full(self) -> bool:
        """Whether no more streams should be opened."""
        return self.listeners >= _MOST_LISTENERS

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return sum(topic.listeners for topic in self._topics.values())

    async def join(self, job_id: UUID) -> None:
        """Begin to listen to a job. Every `join` needs its `leave`."""
        topic = self._topics.get(job_id)
        if topic is None:
            topic = self._topics[job_id] = _Topic(latest=-1)
        topic.listeners += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read_on(), name="job events")

    def leave(self, job_id: UUID) -> None:
        """End listening."""
        topic = self._topics[job_id]
        topic.listeners -= 1
        if topic.listeners == 0:
            del self._topics[job_id]

    async def after(self, job_id: UUID, sequence: int, seconds: float) -> Sequence[Told]:
        """Return the events after `sequence`, waiting for the first of them for so many seconds."""
        topic = self._topics[job_id]
        until = asyncio.get_running_loop().time() + seconds
        while True:
            changed = topic.changed
            told = await self._known_after(topic, job_id, sequence)
            left = until - asyncio.get_running_loop().time()
            if told or self.closing or left <= 0:
                return told
            # Not `wait_for`, which makes a task for every listener and event.
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await changed.wait()

    async def _known_after(self, topic: _Topic, job_id: UUID, sequence: int) -> Sequence[Told]:
        if topic.latest < 0 or sequence < topic.latest - len(topic.told):
            # Before this process began to remember, or longer ago than it does.
            return await asyncio.to_thread(self._read, job_id, sequence)
        # From the end: of a thousand that are remembered, mostly the last one is new.
        new = takewhile(lambda told: told.sequence > sequence, reversed(topic.told))
        return list(new)[::-1]

    async def close(self) -> None:
        """Wake every listener; they end, for nothing more will come."""
        self.closing = True
        for topic in self._topics.values():
            topic.changed.set()
        if self._task is not None:
            self._task.cancel()

    async def _read_on(self) -> None:
        while self._topics:
            marks = {job_id: topic.latest for job_id, topic in self._topics.items()}
            for job_id, latest, told in await self._news_or_none(marks):
                topic = self._topics.get(job_id)
                if topic is not None:
                    topic.told.extend(told)
                    topic.latest = latest
                    topic.changed.set()
                    topic.changed = asyncio.Event()
            await asyncio.sleep(_BETWEEN_SECONDS)

    async def _news_or_none(self, marks: dict[UUID, int]) -> Sequence[tuple[UUID, int, list[Told]]]:
        try:
            return await asyncio.to_thread(self._news, marks)
        except SQLAlchemyError:
            logger.warning("The job events cannot be read; trying again.")
            return ()

    def _news(self, marks: dict[UUID, int]) -> list[tuple[UUID, int, list[Told]]]:
        """Return, for each job that went on, its latest sequence number and its new events."""
        statement = select(col(Job.id), col(Job.events)).where(col(Job.id).in_(list(marks)))
        news = []
        with reading(self._engine) as connection:
            for job_id, latest in connection.execute(statement).all():
                if latest > marks[job_id]:
                    known = marks[job_id] >= 0
                    told = _told_after(connection, job_id, marks[job_id]) if known else []
                    last = told[-1].sequence if told else latest
                    news.append((job_id, last, told))
        return news

    def _read(self, job_id: UUID, sequence: int) -> list[Told]:
        with reading(self._engine) as connection:
            return _told_after(connection, job_id, sequence)


def public(event: JobEvent) -> EventPublic:
    """Return the event as it leaves the server."""
    return EventPublic(
        sequence=event.sequence,
        at=event.at.isoformat(),
        type=event.type,
        data=event.data,
        final=event.final,
    )


def _told_after(connection: Connection, job_id: UUID, sequence: int) -> list[Told]:
    return [_told(event) for event in events_after(connection, job_id, sequence, PAGE)]


def _told(event: JobEvent) -> Told:
    body = public(event).model_dump_json()
    sse = format_sse_event(data_str=body, event=event.type, id=str(event.sequence))
    return Told(event.sequence, event.final, body, sse)
