"""A client of one event stream that costs next to nothing, so that a thousand fit in a process."""

import asyncio
import re
import time

_TOLD = re.compile(rb'"sequence":(\d+),.*?"told":([\d.]+)')


class Listener(asyncio.Protocol):
    """Asks for a stream, and keeps how long after it was told each event arrived."""

    def __init__(self, path: str, headers: dict[str, str]) -> None:
        self._ask = _request(path, headers)
        self._rest = b""
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.delays: list[float] = []
        self.sequences: list[int] = []
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._ask)

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        now = time.monotonic()
        *whole, self._rest = (self._rest + data).split(b"\n\n")
        for part in whole:
            if not self.opened.done() and b": welcome" in part:
                self.opened.set_result(None)
            told = _TOLD.search(part)
            if told is not None:
                self.sequences.append(int(told[1]))
                self.delays.append(now - float(told[2]))

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, which no stream here should see."""
        self.ended = True
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError(self._rest[:400].decode()))

    @property
    def whole(self) -> bool:
        """Whether every event from the first that was heard came once and in order."""
        heard = self.sequences
        first = heard[0] if heard else 0
        return bool(heard) and not self.ended and heard == [*range(first, first + len(heard))]


def _request(path: str, headers: dict[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
