"""Where a training stands. Written with every checkpoint, so that nothing of it is forgotten."""

from pydantic import BaseModel, ConfigDict

from tools.training.loss_point import LossPoint


class AlarmRaised(BaseModel):
    """A rule that fired, and what was done."""

    model_config = ConfigDict(frozen=True)

    rule: str
    step: int
    reason: str
    action: str


class RunState(BaseModel):
    """Where a training stands after `step` steps."""

    model_config = ConfigDict(extra="forbid")

    step: int = 0
    tokens: int = 0
    resumed_from_step: int | None = None
    losses: list[float] = []  # of every step since the start, or since the run went back
    norms: list[float] = []
    points: list[LossPoint] = []  # what was told
    best_step: int | None = None
    best_loss: float | None = None
    looks_since_best: int = 0
    rate_factor: float = 1.0  # halved when the run goes back
    most_tokens: int = 0
    alarms: list[AlarmRaised] = []
