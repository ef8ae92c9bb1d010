"""A Hub on the loopback interface that answers searches, or does not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import huggingface_hub.constants
import pytest

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


@dataclass
class ListingHub:
    """What it answers, and what it was asked."""

    address: str
    status: int = 200
    body: bytes = field(default_factory=lambda: json.dumps([LISTED]).encode())
    asked: list[str] = field(default_factory=list)
    signed: list[str | None] = field(default_factory=list)


@contextmanager
def listing_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[ListingHub]:
    """Start a Hub that lists one thing. Until it ends, the libraries may ask a Hub."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.asked.append(self.path)
            hub.signed.append(self.headers["Authorization"])
            self.send_response(hub.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(hub.body)))
            self.end_headers()
            self.wfile.write(hub.body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        hub = ListingHub(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield hub
        server.shutdown()
        thread.join()
