from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import huggingface_hub.constants
import pytest

from tests.listing_hub import ListingHub, listing_hub
from tools.hub.search_hub import HubEntry, search_hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ListingHub]:
    with listing_hub(monkeypatch) as started:
        yield started


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_what_the_hub_lists_is_shown(kind: str, hub: ListingHub) -> None:
    answer = search_hub(kind, "small", limit=5, endpoint=hub.address)  # type: ignore[arg-type]

    assert answer.note is None
    [entry] = answer.found
    assert entry == HubEntry(
        id="org/small",
        downloads=12,
        likes=3,
        bytes=1000,
        licence="apache-2.0",
        gated=True,
        updated_at=entry.updated_at,
    )
    url = urlsplit(hub.asked[0])
    query = parse_qs(url.query)
    assert url.path == f"/api/{kind}s"
    assert (query["search"], query["limit"], query["sort"]) == (["small"], ["5"], ["downloads"])
    assert set(query["expand"]) >= {"downloads", "gated", "usedStorage"}
    assert query.get("pipeline_tag") == (["text-generation"] if kind == "model" else None)
    assert hub.signed == [None]


def test_the_token_that_is_set_is_sent(hub: ListingHub) -> None:
    search_hub("model", "", token="hf_made-up", endpoint=hub.address)

    assert hub.signed == ["Bearer hf_made-up"]
    assert "search=" not in hub.asked[0]


def test_without_the_hub_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)

    answer = search_hub("model", "no-such-thing-here", endpoint="http://127.0.0.1:9")

    assert answer.found == ()
    assert answer.note is not None
    assert "cannot be reached" in answer.note


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"out of order"),
        (429, b"[]"),
        (200, b"<html>"),
        (200, b"{}"),
        (200, b"null"),
        (200, b"[1]"),
        (200, b"[{}]"),
        (200, b'[{"id":"org/x","lastModified":"yesterday"}]'),
        (200, b'[{"id":"org/x","tags":5}]'),
        (200, b"[" * 100_000),
    ],
)
def test_a_hub_that_makes_no_sense_is_asked_once_and_counts_as_away(
    hub: ListingHub, status: int, body: bytes
) -> None:
    hub.status, hub.body = status, body

    answer = search_hub("dataset", "no-such-thing-here", endpoint=hub.address)

    assert (answer.found, len(hub.asked)) == ((), 1)
    assert answer.note is not None


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("address", ["http://[hub", "http://hub:port", "http://.."])
def test_an_address_of_the_hub_that_is_none_counts_as_away(address: str) -> None:
    answer = search_hub("dataset", "no-such-thing-here", endpoint=address)

    assert answer.found == ()
    assert answer.note is not None
