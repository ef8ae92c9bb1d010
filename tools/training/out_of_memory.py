"""Tell the end of the memory from other failures. torch has no one error for it.

Not covered: a process that the system ends for its memory; nothing in it can say so.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from tools.errors import ToolError

# CUDA, ROCm and MPS say the first, the processor's allocator the second, cuBLAS the third.
_WORDS = ("out of memory", "allocate memory", "alloc_failed")


def out_of_memory(error: BaseException) -> bool:
    """Return whether `error` says that there is not enough memory."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, RuntimeError):
        return any(word in str(error).lower() for word in _WORDS)
    return isinstance(error, MemoryError)


@contextmanager
def memory_told(refusal: ToolError) -> Iterator[None]:
    """Raise `refusal` where the memory is not enough for what is done inside."""
    try:
        yield
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise refusal from error
