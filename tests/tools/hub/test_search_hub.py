import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import huggingface_hub.constants
import pytest

from tools.hub.search_hub import HubEntry, search_hub

LISTED = {
    "id": "org/small",
    "_id": "1",
    "downloads": 12,
    "likes": 3,
    "gated": "manual",
    "lastModified": "2026-10-01T00:00:00.000Z",
    "tags": ["llama", "license:apache-2.0"],
    "usedStorage": 1000,
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """A Hub that lists one thing, and the paths it was asked for."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_GET(self) -> None:
            asked.append(self.path)
            body = json.dumps([LISTED]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_what_the_hub_lists_is_shown(kind: str, hub: tuple[str, list[str]]) -> None:
    endpoint, asked = hub

    answer = search_hub(kind, "small", limit=5, endpoint=endpoint)  # type: ignore[arg-type]

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
    url = urlsplit(asked[0])
    assert url.path == f"/api/{kind}s"
    assert parse_qs(url.query)["search"] == ["small"]
    assert parse_qs(url.query)["limit"] == ["5"]


def test_without_the_hub_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)

    answer = search_hub("model", "no-such-thing-here", endpoint="http://127.0.0.1:9")

    assert answer.found == ()
    assert answer.note is not None
    assert "cannot be reached" in answer.note
