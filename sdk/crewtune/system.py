"""The studio itself: what it runs on, and whether it answers."""

from typing import Any

from pydantic import Field

from crewtune.calls import Calls
from crewtune.errors import ApiError
from crewtune.frozen import Frozen


class Disk(Frozen):
    """Room where the studio keeps its data."""

    total_gib: float
    free_gib: float


class QueueState(Frozen):
    """How busy a queue is."""

    slots: int = Field(description="Jobs that run at once.")
    running: int
    waiting: int


class MlflowState(Frozen):
    """The server that records the runs."""

    url: str | None
    reachable: bool


class System(Frozen):
    """What the studio runs on."""

    version: str | None = None
    hardware: dict[str, Any] | None = Field(description="None: it is still being looked at.")
    libraries: dict[str, Any]
    disk: Disk
    queues: dict[str, QueueState]
    mlflow: MlflowState
    language_model: str | None = Field(description="What the agents think with; none: rules.")


class SystemCalls(Calls):
    """The studio itself."""

    def system(self) -> System:
        """Show hardware, versions, disk, queues, MLflow and language model."""
        return self._connection.get(System, "/api/system")

    def healthy(self) -> bool:
        """Return whether a studio answers. Needs no sign-in."""
        try:
            answer = self._connection.send("GET", "/health", signed=False)
        except ApiError:
            return False
        return '"ok"' in answer.text
