"""A server that answers as the test says, on a real port: for what a good studio never does."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Exchange(BaseHTTPRequestHandler):
    """One request, and what can be answered to it."""

    server: "SmallServer"

    def log_message(self, format: str, *args: Any) -> None:
        return None

    def take(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(length)
        self.server.asked.append(Asked(self.command, self.path, dict(self.headers), self.body))
        self.server.answer(self)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = take

    def say(self, status: int, content: Any, **headers: str) -> None:
        """Answer with JSON, or with text as it is."""
        body = content if isinstance(content, str) else json.dumps(content)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def hang_up(self) -> None:
        """Answer nothing at all."""
        self.close_connection = True

    def begin_events(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()

    def send_events(self, *events: dict[str, Any]) -> None:
        for event in events:
            told = f"event: {event['type']}\nid: {event['sequence']}\ndata: {json.dumps(event)}\n\n"
            self.wfile.write(told.encode())

    def problem(self, status: int, code: str, **headers: str) -> None:
        self.say(status, {"status": status, "code": code, "detail": f"Because {code}."}, **headers)


@dataclass
class Asked:
    """A request that was made."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class SmallServer(ThreadingHTTPServer):
    """Answers every request by a function, and keeps what was asked."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Exchange], None]) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.answer = answer
        self.asked: list[Asked] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


@contextmanager
def small_server(answer: Callable[[Exchange], None]) -> Iterator[SmallServer]:
    with SmallServer(answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
