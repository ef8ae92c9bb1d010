"""A disk that is full: the system refuses to let a file grow."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager


def fill_up(byte_limit: int) -> None:
    """Let no file of this process grow beyond `byte_limit` from now on."""
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (byte_limit, hard))


@contextmanager
def room_again_afterwards() -> Iterator[None]:
    """Take such a limit away at the end of the block."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def full_disk(byte_limit: int = 2_000) -> Iterator[None]:
    """Let no file grow beyond `byte_limit` in the block."""
    with room_again_afterwards():
        fill_up(byte_limit)
        yield
