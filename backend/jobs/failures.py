"""Say why a job failed: a code for programs, a reason and a remedy for people."""

import errno

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import OperationalError

from tools.errors import DiskError, ToolError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Failure(BaseModel):
    """Why a job failed."""

    model_config = ConfigDict(frozen=True)

    code: str
    reason: str = Field(description="One sentence, and what to change.")
    unexpected: bool = Field(default=False, description="Whether it is a fault of ours.")


def describe_failure(error: BaseException) -> Failure:
    """Return what to tell about `error`, looking through what it was raised from."""
    for one in _chain(error):
        if _out_of_memory(one):
            return Failure(
                code="out_of_memory",
                reason="The memory was not enough. Make per_device_train_batch_size or max_length "
                "smaller, or choose a smaller model.",
            )
        if isinstance(one, OSError) and one.errno in _FULL:
            return Failure(
                code="disk_full",
                reason="The disk is full. What was saved before is intact: free some space, then "
                "resume the job.",
            )
        if isinstance(one, DiskError):
            return Failure(code=one.code, reason=str(error))
    if isinstance(error, ToolError):
        return Failure(code=error.code, reason=str(error))
    if isinstance(error, OperationalError):
        reason = "The database was away for too long. Resume the job when it is back."
        return Failure(code="database_unavailable", reason=reason, unexpected=True)
    reason = "The job met a fault of CrewTune's. The server's log says more; resuming may help."
    return Failure(code="internal_error", reason=reason, unexpected=True)


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def _out_of_memory(error: BaseException) -> bool:
    # torch's own class is not imported for this; on a CPU it raises a plain RuntimeError.
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
        or "not enough memory" in str(error)
    )
