"""Tell a full disk from other failures. The libraries that write weights each have their own error.

Not covered: whether there is room before the work begins, which is `check_space`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tools.errors import DiskError, WorkspaceError

# torch and tokenizers raise their plainest error; only its text tells what it is.
_WORDS = ("writ", "iostream", "inline_container", "os error")


@contextmanager
def guard_writing(refusal: DiskError) -> Iterator[None]:
    """Raise `refusal` where a file cannot be written inside."""
    try:
        yield
    except Exception as error:
        if not _of_writing(error):
            raise
        raise refusal from error


def _of_writing(error: Exception) -> bool:
    from safetensors import SafetensorError

    if isinstance(error, OSError | WorkspaceError | SafetensorError):
        return True
    plain = type(error) in (Exception, RuntimeError)
    return plain and any(word in str(error) for word in _WORDS)
