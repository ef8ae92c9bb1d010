"""What a user asks the crew for, and what the crew needs to do it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crewai.llms.base_llm import BaseLLM
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError

from tools.data.data_policy import DataPolicy
from tools.progress import Progress
from tools.tracking.store import TrackingStore
from tools.workspace import Workspace


class FineTuneJob(BaseModel):
    """One fine-tune: data and a goal. It is kept with the run, so it holds no secret."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = Field(description="Name of a local model, a folder, or a Hugging Face id.")
    dataset: str = Field(description="A file, a folder, or a Hugging Face id.")
    goal: str = Field(max_length=500, description="What the tuned model is for.")
    config: str | None = Field(default=None, description="Configuration of a Hub dataset.")
    split: str = Field(default="train", description="Split of a Hub dataset.")
    revision: str | None = Field(default=None, description="Revision of a Hub dataset.")
    shuffle_labels: bool = Field(
        default=False,
        description="Self-test: deal the training answers to other rows. Must end 'not better'.",
    )
    policy: DataPolicy = Field(
        default_factory=DataPolicy, description="What is to be done with what is found in the data."
    )
    seed: int = Field(default=42, ge=0, lt=2**32)

    @field_validator("goal")
    @classmethod
    def _goal_says_something(cls, goal: str) -> str:
        if not goal.strip():
            # Not a ValueError, whose text would begin with "Value error".
            raise PydanticCustomError(
                "empty_goal",
                "It is empty. Say what the tuned model is for, e.g. 'Answer like our support team'",
            )
        return goal


@dataclass(frozen=True)
class Studio:
    """What every step works with. None of it is within a model's reach."""

    workspace: Workspace
    store: TrackingStore
    progress: Progress
    llm: BaseLLM | None = None  # None: the rules judge
    hub_token: SecretStr | None = None
    hub_endpoint: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)  # of every MLflow run, e.g. whose it is
