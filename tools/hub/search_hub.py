"""Search the Hugging Face Hub for models and datasets, or what is kept of it on this machine.

Not covered: fetching (`fetch_model.py`, `fetch_dataset.py`).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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

    When the Hub cannot be reached, what matches among its copies on this machine.
    """
    from httpx2 import HTTPError
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        found = _ask(kind, query, limit=limit, token=token, endpoint=endpoint)
        return HubSearch(found=tuple(_entry(one) for one in found), note=None)
    except (HTTPError, HfHubHTTPError, OfflineModeIsEnabled, OSError):
        return HubSearch(found=_cached(kind, query.lower())[:limit], note=_AWAY)


def _ask(
    kind: Kind, query: str, *, limit: int, token: str | None, endpoint: str | None
) -> list[Any]:
    import httpx2
    from huggingface_hub import HfApi, constants

    # Asked first, for the library's own search tries an absent Hub for half a minute.
    if not constants.HF_HUB_OFFLINE:
        httpx2.head(endpoint or constants.ENDPOINT, timeout=_SECONDS_TO_ANSWER)
    # False: no other token of this machine is sent.
    api = HfApi(endpoint=endpoint, token=token or False)
    common: dict[str, Any] = {"search": query or None, "limit": limit, "sort": "downloads"}
    wanted: Any = ["downloads", "likes", "gated", "lastModified", "tags", "usedStorage"]
    if kind == "model":
        listed: Iterable[Any] = api.list_models(
            pipeline_tag="text-generation", expand=wanted, **common
        )
    else:
        listed = api.list_datasets(expand=wanted, **common)
    return list(listed)


def _entry(one: Any) -> HubEntry:
    licences = [tag.removeprefix("license:") for tag in one.tags or () if "license:" in tag]
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
