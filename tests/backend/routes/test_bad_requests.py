"""Requests that are wrong byte by byte, against the server as users run it, in its own process."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path

import httpx2
import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.backend.api import PASSWORD
from tests.backend.bad_inputs import Row, table
from tests.sdk.real_studio import free_port, until

ROWS = table("bad_inputs_on_the_wire.yaml")
NO_JOB = "/api/jobs/00000000-0000-4000-8000-000000000000/ws"
CHUNK = 1 << 16


class Served:
    """The server, its log, and what it uses."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._log = folder / "log"
        command = [sys.executable, "-m", "backend.serve", "--prepare", "--port", str(self.port)]
        own = {"CREWTUNE_DATA_DIR": str(folder / "data"), "CREWTUNE_UPLOAD_MIB": "1"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env={**os.environ, **own}, stdout=log, stderr=log, start_new_session=True
            )
        self.uses = psutil.Process(self._process.pid)
        until(self.healthy, 60)
        self.token = self._token_of_the_first_account()

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=20) as said:
                return bool(said.status == 200)
        except OSError:
            assert self._process.poll() is None, self.log()
            return False

    def _token_of_the_first_account(self) -> str:
        account = {"username": "anna", "password": PASSWORD}
        code = self.log().partition("once: ")[2].split()[0]
        api = f"http://127.0.0.1:{self.port}/api/auth"
        httpx2.post(f"{api}/setup", json={**account, "setup_code": code}).raise_for_status()
        return str(httpx2.post(f"{api}/token", data=account).json()["access_token"])

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def complaints(self) -> list[str]:
        """What the log has of errors, and of what is no line of JSON: a traceback."""
        lines = [line for line in self.log().splitlines() if "Make the first account" not in line]
        return [line for line in lines if line[:1] != "{" or json.loads(line)["level"] == "ERROR"]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def close(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(tmp_path_factory.mktemp("served"))
    yield server
    server.close()


def send(served: Served, connection: socket.socket, row: Row) -> None:
    head = row["head"].replace("{token}", served.token).replace("\n", "\r\n") + "\r\n\r\n"
    body = row.get("body", "").encode()
    pieces = [body[at : at + CHUNK] for at in range(0, len(body), CHUNK)]
    if row.get("chunked"):
        pieces = [b"%x\r\n%b\r\n" % (len(one), one) for one in pieces] + [b"0\r\n\r\n"]
    # The server may have answered, and gone, before all is sent.
    with suppress(ConnectionError):
        for piece in (head.encode("latin-1"), *pieces):
            connection.sendall(piece)
        if row.get("gone"):
            connection.shutdown(socket.SHUT_WR)


def read(connection: socket.socket, row: Row) -> None:
    """Read the answer, and check it."""
    expect = row["expect"]
    if "nothing" in expect or "cut" in expect:
        with suppress(ConnectionError):
            said = connection.makefile("rb").read()
            assert said == b"" or ("cut" in expect and said.startswith(b"HTTP/1.1 400 "))
        return
    with closing(HTTPResponse(connection)) as answer:
        answer.begin()
        body = answer.read()
    assert answer.status == expect["status"], body
    if "code" in expect:
        assert json.loads(body)["code"] == expect["code"]
        assert answer.headers["content-type"] == "application/problem+json"
    if "closed" in expect:
        with suppress(ConnectionError):
            assert connection.recv(1) == b""


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_request_that_is_wrong_is_refused(served: Served, row: Row) -> None:
    with served.connect() as connection:
        send(served, connection, row)
        read(connection, row)

    assert served.healthy()
    assert served.complaints() == []
    assert "CANARY" not in served.log()


def test_wrong_requests_leave_no_memory_and_no_connections_behind(served: Served) -> None:
    def send_all() -> None:
        for row in ROWS:
            with served.connect() as connection, suppress(HTTPException, ConnectionError):
                send(served, connection, row)
                read(connection, row)

    send_all()
    until(lambda: connections(served) == 0)
    files, memory = served.uses.num_fds(), served.uses.memory_info().rss
    send_all()

    until(lambda: served.uses.num_fds() <= files + 2)
    assert served.uses.memory_info().rss < memory + 20 * 2**20


def connections(served: Served) -> int:
    return sum(one.status == psutil.CONN_ESTABLISHED for one in served.uses.net_connections("tcp"))


def test_who_is_not_signed_in_is_refused_before_an_upload_is_taken(served: Served) -> None:
    row = {
        "head": "POST /api/uploads HTTP/1.1\nHost: localhost\nContent-Length: 500000\n"
        "Content-Type: multipart/form-data; boundary=x",
        "body": "--x\r\n",  # and not a byte more
        "expect": {"status": 401, "code": "invalid_token"},
    }

    with served.connect() as connection:
        send(served, connection, row)
        read(connection, row)


def test_who_sends_half_a_request_keeps_nobody_else_waiting(served: Served) -> None:
    until(lambda: connections(served) == 0)
    half = {
        "head": b"GET /api/users/me HTTP/1.1\r\nHost: loc",
        "body": b"POST /api/auth/register HTTP/1.1\r\nHost: localhost\r\n"
        b'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"user',
    }

    with ExitStack() as open_ones:
        for sent in half.values():
            for _ in range(100):
                open_ones.enter_context(served.connect()).sendall(sent)
        until(lambda: connections(served) == 200)
        for _ in range(20):
            assert served.healthy()

    until(lambda: connections(served) == 0)
    assert served.complaints() == []


def test_a_request_that_comes_byte_by_byte_is_answered(served: Served) -> None:
    row = next(row for row in ROWS if row["name"].startswith("B07"))

    with served.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for one in (row["head"].replace("\n", "\r\n") + "\r\n\r\n").encode():
            connection.sendall(bytes([one]))
        read(connection, row)


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("words", 4401),
        ("null", 4401),
        ("[1]", 4401),
        (b"\0", 4401),
        ('{"token":{"a":[]}}', 4401),
        ('{"token":"\\ud800"}', 4401),
        ('{"token":"\\u0000"}', 4401),
        ('{"token":' + "9" * 5000 + "}", 4401),
        ("[" * 50_000, 4401),
        ('{"token":"' + "a" * 100_000 + '"}', 1009),
    ],
)
def test_a_socket_whose_first_message_is_no_token_is_closed(
    served: Served, first: str | bytes, code: int
) -> None:
    address = f"ws://localhost:{served.port}{NO_JOB}?access_token=ct_CANARY-0123456789"
    with connect(address, open_timeout=20) as connection:
        with suppress(ConnectionClosed):
            connection.send(first)
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=20)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == code
    assert served.complaints() == []
    assert "CANARY" not in served.log()
