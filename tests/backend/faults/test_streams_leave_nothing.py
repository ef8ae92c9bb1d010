"""Hundreds of streams are opened and closed: the API process is as before."""

import re
import socket
from pathlib import Path
from uuid import UUID

import httpx2
import psutil
import pytest
from sqlalchemy import insert

from backend.database import writing
from backend.jobs.orders import Ending, Happening, NewJob
from backend.tables.job import Job, JobStatus, Queue
from tests.backend.faults.served import Served
from tests.sdk.real_studio import until

pytestmark = pytest.mark.prove

MOST_GROWTH_BYTES = 10 << 20
TOGETHER = 50
_LISTENERS = re.compile(r"^crewtune_event_streams (\S+)$", re.MULTILINE)


def listeners(served: Served) -> float:
    found = _LISTENERS.search(httpx2.get(f"{served.url}/metrics", trust_env=False).text)
    assert found is not None
    return float(found[1])


def begun_by_hand(served: Served) -> Job:
    """Return a running job of a queue that no dispatcher looks at."""
    with writing(served.engine) as connection:
        connection.execute(insert(Queue).values(name="by hand"))
    new = NewJob(served.owner, "train", {}, "a" * 64, queue="by hand")
    served.store.submit(new)
    job = served.store.claim("by hand", 1, {})
    assert job is not None
    # A worker of nowhere: nobody can see that it is not there.
    served.store.report(job.id, job.token, [Happening("log", {"message": "-" * 500})] * 50)
    return job


class Stream:
    """A stream on a socket of its own."""

    def __init__(self, served: Served, job_id: UUID, signature: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", served.port), timeout=20)
        asked = f"GET /api/jobs/{job_id}/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        self._socket.sendall(f"{asked}Authorization: {signature}\r\n\r\n".encode())

    def read_to(self, mark: bytes) -> None:
        read = b""
        while mark not in read:
            part = self._socket.recv(65_536)
            assert part, "The stream ended early."
            read += part

    def close(self) -> None:
        self._socket.close()


class Streams:
    """Opens streams on one job, many at once."""

    def __init__(self, served: Served, job: Job) -> None:
        self._served, self._job = served, job
        self._signature = served.signed()["Authorization"]

    def open(self) -> list[Stream]:
        """Open some, and read what there is."""
        self._served.store.report(self._job.id, self._job.token)  # or the job is given to another
        streams = [Stream(self._served, self._job.id, self._signature) for _ in range(TOGETHER)]
        for stream in streams:
            stream.read_to(b"id: 52\n")
        assert listeners(self._served) == TOGETHER
        return streams

    def open_and_close(self, times: int) -> None:
        for _ in range(times):
            for stream in self.open():
                stream.close()
            until(lambda: listeners(self._served) == 0)


def size(process: psutil.Process) -> tuple[int, int]:
    """Return how many files the process has open, and its memory in bytes."""
    return process.num_fds(), process.memory_info().rss


def test_three_hundred_streams_leave_nothing_in_the_api(tmp_path: Path, tiny_model: Path) -> None:
    served = Served(tmp_path, tiny_model)
    try:
        job = begun_by_hand(served)
        streams = Streams(served, job)
        streams.open_and_close(times=2)
        files, memory = size(served.process)

        streams.open_and_close(times=5)
        last = streams.open()
        assert served.store.finish(job.id, job.token, Ending(JobStatus.SUCCEEDED))
        for stream in last:
            # The body's last chunk: these were ended by the server.
            stream.read_to(b"\r\n0\r\n\r\n")
            stream.close()
        until(lambda: listeners(served) == 0)

        # The pool of database connections may have grown meanwhile, to fifteen files at most.
        until(lambda: served.process.num_fds() <= files + 15)
        assert size(served.process)[1] - memory < MOST_GROWTH_BYTES
    finally:
        served.close()
