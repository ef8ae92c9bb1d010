"""Search the Hugging Face Hub for models and datasets, or what is kept of it on this machine.

Not covered: fetching (`fetch_model.py`, `fetch_dataset.py`).
"""

from contextlib import suppress
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Kind = Literal["model", "dataset"]
_AWAY = (
    "The Hub cannot be reached. What is shown is on this machine; local folders and files work too."
)
_SECONDS_TO_ANSWER = 4


class HubEntry(BaseModel):
    """One model or dataset of the Hub, as a list shows it."""

    model_config = ConfigDict(frozen=True)

    id: str
    downloads: int | None = Field(description="In the last 30 days.")
    likes: int | None
    bytes: int | None = Field(description="Of the whole repository.")
    licence: str | None
    gated: bool = Field(description="Whether its owner must grant access first.")
    updated_at: datetime | None


class HubSearch(BaseModel):
    """What was found."""

    model_config = ConfigDict(frozen=True)

    found: tuple[HubEntry, ...]
    note: str | None = Field(description="Why it is not the whole answer, if so.")


def search_hub(
    kind: Kind,
    query: str,
    *,
    limit: int = 20,
    token: str | None = None,
    endpoint: str | None = None,
) -> HubSearch:
    """Return the most downloaded models that write text, or datasets, that match `query`.

    When the Hub cannot be reached, or makes no sense, what matches among its copies here.
    """
    from httpx2 import HTTPError, InvalidURL
    from huggingface_hub import constants

    if not constants.HF_HUB_OFFLINE:
        # Not by the library's own search: it tries a Hub that is away or busy for half a minute.
        with suppress(HTTPError, InvalidURL, ValueError):
            where = endpoint or constants.ENDPOINT
            return HubSearch(found=_ask(where, kind, query, limit=limit, token=token), note=None)
    return HubSearch(found=_cached(kind, query.lower())[:limit], note=_AWAY)


class _Listed(BaseModel):
    """What the Hub says of one of its repositories."""

    id: str = Field(max_length=200)
    downloads: int | None = None
    likes: int | None = None
    used_storage: int | None = Field(default=None, alias="usedStorage")
    tags: list[str] = []
    gated: bool | str = False
    last_modified: datetime | None = Field(default=None, alias="lastModified")


_LISTED = TypeAdapter(list[_Listed])


def _ask(
    endpoint: str, kind: Kind, query: str, *, limit: int, token: str | None
) -> tuple[HubEntry, ...]:
    import httpx2

    wanted: dict[str, Any] = {
        "sort": "downloads",
        "limit": limit,
        "expand": ["downloads", "likes", "gated", "lastModified", "tags", "usedStorage"],
    }
    if query:
        wanted["search"] = query
    if kind == "model":
        wanted["pipeline_tag"] = "text-generation"
    answer = httpx2.get(
        f"{endpoint.rstrip('/')}/api/{kind}s",
        params=wanted,
        headers={"Authorization": f"Bearer {token}"} if token else {},
        timeout=_SECONDS_TO_ANSWER,
        follow_redirects=True,
    )
    answer.raise_for_status()
    return tuple(_entry(one) for one in _LISTED.validate_json(answer.content)[:limit])


def _entry(one: _Listed) -> HubEntry:
    licences = [tag.removeprefix("license:") for tag in one.tags if "license:" in tag]
    return HubEntry(
        id=one.id,
        downloads=one.downloads,
        likes=one.likes,
        bytes=one.used_storage,
        licence=licences[0] if licences else None,
        gated=bool(one.gated),
        updated_at=one.last_modified,
    )


def _cached(kind: Kind, query: str) -> tuple[HubEntry, ...]:
    """Return the copies on this machine whose id holds `query`."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repositories = scan_cache_dir().repos
    except CacheNotFound:
        return ()
    return tuple(
        HubEntry(
            id=one.repo_id,
            downloads=None,
            likes=None,
            bytes=one.size_on_disk,
            licence=None,
            gated=False,
            updated_at=None,
        )
        for one in sorted(repositories, key=lambda one: one.repo_id)
        if one.repo_type == kind and query in one.repo_id.lower()
    )
