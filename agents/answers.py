"""What each agent hands back: a type, never prose to be parsed.

An answer chooses and explains. The numbers in the verdict come from the tools' own reports; an
answer that contradicts them is refused (see the `check` of each agent).
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_Reasons = Field(min_length=1, max_length=2000, description="Why, in one to four sentences.")


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataDecision(_Answer):
    """The Data Manager's answer: is the data fit to train on?"""

    verdict: Literal["fit", "fit after repairs", "not fit"]
    train: str = Field(default="", description="Dataset name to train on; empty when not fit.")
    validation: str = Field(default="", description="Dataset name to watch the loss on.")
    heldout: str = Field(default="", description="Dataset name kept apart for the proof.")
    reasons: str = _Reasons


class TrainingDecision(_Answer):
    """The Training Specialist's answer: did training go well?"""

    verdict: Literal["trained", "failed"]
    adapter_sha256: str = Field(default="", description="As `train_adapter` reported it.")
    reasons: str = _Reasons


class EvaluationDecision(_Answer):
    """The Evaluation Expert's answer: is the tuned model better than its base?"""

    verdict: Literal["better", "not better", "failed"]
    reasons: str = _Reasons


class RecordDecision(_Answer):
    """The MLflow Monitor's answer: what does the record say?"""

    verdict: Literal["recorded", "failed"]
    version: int | None = Field(default=None, description="Registered version of the model.")
    champion: bool = Field(default=False, description="Whether it became the champion.")
    reasons: str = _Reasons
