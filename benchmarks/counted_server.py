"""The real server on one core, with its database statements counted.

`python -m benchmarks.counted_server <file> <core> --port 8000`: the count stands in the first
eight bytes of the file.
"""

import mmap
import os
import struct
import sys
from pathlib import Path

from sqlalchemy import Engine, event

from backend import serve

_COUNT = struct.Struct("<Q")


def main() -> None:
    """Serve as `backend.serve` does, with the rest of the arguments."""
    path, core = Path(sys.argv[1]), int(sys.argv[2])
    os.sched_setaffinity(0, {core})
    sys.argv = [sys.argv[0], *sys.argv[3:]]
    with path.open("r+b") as file, mmap.mmap(file.fileno(), _COUNT.size) as memory:
        event.listen(Engine, "before_cursor_execute", lambda *_: _count(memory))
        serve.main()


def _count(memory: mmap.mmap) -> None:
    # Two threads at once may count one for two; by then it is thousands.
    (count,) = _COUNT.unpack_from(memory)
    _COUNT.pack_into(memory, 0, count + 1)


def prepare_count(path: Path) -> None:
    """Make the file."""
    path.write_bytes(_COUNT.pack(0))


def read_count(path: Path) -> int:
    """Return how many statements there were so far."""
    (count,) = _COUNT.unpack(path.read_bytes())
    return int(count)


if __name__ == "__main__":
    main()
