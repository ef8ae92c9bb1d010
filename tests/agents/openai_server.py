"""An OpenAI-compatible server on loopback that does what the test wrote down."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

TOKENS = 17  # of every answer


@dataclass
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


Reply = Callable[[BaseHTTPRequestHandler, Asked], None]


@dataclass
class OpenAIServer:
    """Where it listens, and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)


def send(
    handler: BaseHTTPRequestHandler,
    body: bytes,
    status: int = 200,
    **headers: str,
) -> None:
    """Answer with `body`. A header's underscores are hyphens."""
    handler.send_response(status)
    named = {"content_type": "application/json", "content_length": str(len(body)), **headers}
    for name, value in named.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def completion(content: Any = None, tool_calls: Any = None) -> bytes:
    """Return a completion in the OpenAI shape."""
    message = {"role": "assistant", "content": content, "tool_calls": tool_calls}
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": "tool_calls" if tool_calls else "stop",
    }
    usage = {"prompt_tokens": TOKENS - 7, "completion_tokens": 7, "total_tokens": TOKENS}
    frame = {"id": "one", "object": "chat.completion", "created": 1, "model": "any"}
    return json.dumps({**frame, "choices": [choice], "usage": usage}).encode()


@contextmanager
def serving(reply: Reply) -> Iterator[OpenAIServer]:
    """Serve `reply` to every request until the block ends."""
    asked: list[Asked] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(reply, asked))
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield OpenAIServer(f"http://127.0.0.1:{server.server_address[1]}/v1", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(reply: Reply, asked: list[Asked]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked.append(Asked(self.path, headers, json.loads(body)))
            try:
                reply(self, asked[-1])
            except OSError:
                self.close_connection = True  # the client has hung up

        do_GET = do_POST

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
