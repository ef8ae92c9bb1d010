"""The API is asked to stop while streams are open."""

import signal
import threading
import time
from contextlib import ExitStack

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.backend.faults.served import Served
from tests.sdk.follower import Follower, every_number
from tests.sdk.real_studio import until

pytestmark = pytest.mark.prove

GOING_AWAY, RESTARTING = 1001, 1012


class Stream:
    """A stream of events that is read in a thread to whatever end it comes to."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.read = b""
        self.whole: bool | None = None
        self._thread = threading.Thread(target=self._listen, args=(url, headers), daemon=True)
        self._thread.start()

    def _listen(self, url: str, headers: dict[str, str]) -> None:
        try:
            with (
                httpx2.Client(trust_env=False, timeout=60) as client,
                client.stream("GET", url, headers=headers) as response,
            ):
                for part in response.iter_raw():
                    self.read += part
            self.whole = True
        except httpx2.RequestError:
            # The last chunk of the body did not come: it was cut.
            self.whole = False

    def has_begun(self) -> bool:
        return b"event: started" in self.read


def test_f21_streams_end_cleanly_and_the_job_goes_on(served: Served) -> None:
    job = served.train(num_train_epochs=100, per_device_train_batch_size=1)
    headers = served.signed()
    path = f"{served.url}/api/jobs/{job}"
    follower = Follower(served.anna, job)
    served.at_step(job, 10)
    streams = [Stream(f"{path}/stream", headers) for _ in range(4)]
    with ExitStack() as opened:
        sockets = [
            opened.enter_context(
                connect(f"{path}/ws".replace("http", "ws"), additional_headers=headers, proxy=None)
            )
            for _ in range(3)
        ]
        assert all("queued" in str(one.recv(timeout=20)) for one in sockets)
        until(lambda: all(stream.has_begun() for stream in streams))
        worker = served.worker(job)

        since = time.monotonic()
        assert served.end(signal.SIGTERM) == 0
        assert time.monotonic() - since < 10

        assert {close_code(one) for one in sockets} <= {GOING_AWAY, RESTARTING}
    until(lambda: all(stream.whole is not None for stream in streams))
    assert [stream.whole for stream in streams] == [True] * 4
    assert not any(b"event: succeeded" in stream.read for stream in streams)
    assert "Traceback" not in served.log()
    assert worker.is_running()
    served.start()
    assert served.worker(job) == worker
    served.anna.cancel(job)
    assert every_number(follower.join(60))
    ended = served.anna.job(job)
    assert (ended.status, ended.attempt) == ("cancelled", 1)


def close_code(socket: ClientConnection) -> int | None:
    """Read to the end of a WebSocket, and return how it was ended."""
    try:
        while True:
            socket.recv(timeout=10)
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None
