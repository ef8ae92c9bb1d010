"""A loss on the way of a training."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Finite = Annotated[float, Field(allow_inf_nan=False)]


class LossPoint(BaseModel):
    """The losses known at one optimiser step, in nats a token."""

    model_config = ConfigDict(frozen=True)

    step: int
    loss: Finite | None = Field(default=None, description="Of the batches since the last point.")
    eval_loss: Finite | None = Field(default=None, description="On the validation rows.")
