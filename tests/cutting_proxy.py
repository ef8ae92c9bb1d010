"""A TCP proxy that cuts event streams after so many bytes, in the middle of whatever it is."""

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress

_RESET = struct.pack("ii", 1, 0)  # lingers for no time: the other side sees a reset
_BLOCK = 4096


class CuttingProxy:
    """Passes connections on; of those that ask for a stream, each is cut as `cuts` says."""

    def __init__(self, port: int, cuts: Iterator[int], *, reset: bool) -> None:
        """Begin to listen.

        Args:
            port: Where to pass connections on to.
            cuts: After how many bytes of the answer the next stream is cut; at the end, none is.
            reset: Whether a cut is a reset, rather than an end.
        """
        self._port, self._cuts, self._reset = port, cuts, reset
        self.cut = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        """Carry one request after the other, each with its answer, until a side ends it."""
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            left: list[int | None] = [None]
            back = threading.Thread(target=self._bring_back, args=(server, client, left))
            back.start()
            with suppress(OSError):
                while asked := client.recv(_BLOCK):
                    if b"/stream HTTP/1.1\r\n" in asked:
                        left[0] = next(self._cuts, None)
                    server.sendall(asked)
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join()

    def _bring_back(
        self, server: socket.socket, client: socket.socket, left: list[int | None]
    ) -> None:
        how = socket.SHUT_RDWR
        with suppress(OSError):
            while answer := server.recv(_BLOCK):
                most = left[0]
                if most is not None and len(answer) >= most:
                    client.sendall(answer[:most])
                    self.cut += 1
                    if self._reset:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                        how = socket.SHUT_RD  # says nothing to the other side; closing will
                    break
                client.sendall(answer)
                left[0] = None if most is None else most - len(answer)
        with suppress(OSError):
            client.shutdown(how)
