"""What can be asked of a job, by kind. The same models are the API's bodies and the jobs' payloads.

A model or dataset is named, never a path: what the name means is decided in its owner's workspace.
"""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from tools.data.data_policy import DataPolicy
from tools.data.mapping import Mapping
from tools.data.repair import Repair
from tools.training.chat_templates import TemplateName
from tools.training.recipe import Recipe

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"


def _without_two_dots(name: str) -> str:
    if ".." in name:
        raise ValueError("a name has no two dots in a row")
    return name


_ONE_DOT = AfterValidator(_without_two_dots)
Name = Annotated[str, StringConstraints(pattern=rf"^{_NAME}$"), _ONE_DOT]
ModelName = Annotated[
    str,
    StringConstraints(pattern=rf"^{_NAME}(/{_NAME}(@[A-Za-z0-9][A-Za-z0-9./_-]{{0,127}})?)?$"),
    _ONE_DOT,
    Field(description="Name of a local model, or an id on the Hub: `org/name[@revision]`."),
]
HubId = Annotated[str, StringConstraints(pattern=rf"^{_NAME}/{_NAME}$"), _ONE_DOT]
Seed = Annotated[int, Field(strict=True, ge=0, lt=2**32)]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Source(_Request):
    """A dataset of the Hub, a file that was uploaded, or the sample that comes with the studio."""

    hub_id: HubId | None = None
    config: Name | None = Field(default=None, description="Configuration of a Hub dataset.")
    split: Name = Field(default="train", description="Split of a Hub dataset.")
    revision: Name | None = Field(default=None, description="Branch, tag or commit on the Hub.")
    upload: Name | None = Field(default=None, description="Name that an upload was given.")
    sample: Literal["refrigeration-requests"] | None = Field(
        default=None, description="1,050 service requests to try everything with."
    )
    mapping: Mapping | None = Field(
        default=None, description="Which column plays which part, where it is not recognised."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(one is not None for one in (self.hub_id, self.upload, self.sample)) != 1:
            raise ValueError("Give one of hub_id, upload and sample")
        return self


class InspectRequest(_Source):
    """See how the first rows of a source would be imported."""


class ImportRequest(_Source):
    """Import a dataset."""

    name: Name = Field(description="What to call it here.")
    policy: DataPolicy | None = Field(
        default=None, description="What is to be done with what is found in it."
    )


class RepairRequest(_Request):
    """Repair a dataset, or go back to an earlier version of it."""

    dataset: Name = Field(description="Name of one of your datasets.")
    steps: tuple[Repair, ...] | None = Field(
        default=None,
        max_length=20,
        description="What to do, in this order; otherwise what the dataset's policy says.",
    )
    version: Name | None = Field(
        default=None, description="An earlier version of the dataset to go back to."
    )

    @model_validator(mode="after")
    def _one_wish(self) -> Self:
        if self.steps is not None and self.version is not None:
            raise ValueError("Give steps or a version, not both")
        return self


class RehearseRequest(_Request):
    """See what a training would learn from and be measured by: the repairs and the split."""

    dataset: Name = Field(description="Name of one of your datasets.")


class PreviewRequest(_Request):
    """See rows as tokens, and which of them a training learns."""

    model: ModelName
    dataset: Name | None = Field(default=None, description="Name of one of your datasets.")
    rows: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        default=(), max_length=20, description="Numbers of rows; otherwise the first five."
    )
    text: str | None = Field(
        default=None, min_length=1, max_length=20_000, description="A text in place of a dataset."
    )
    max_length: int = Field(default=1024, ge=16, le=131_072, description="In tokens.")
    chat_template: TemplateName = "own"

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.dataset is None) == (self.text is None):
            raise ValueError("Give one of dataset and text")
        return self


class TrainRequest(_Request):
    """Train an adapter for a model on a dataset."""

    model: ModelName
    dataset: Name = Field(description="Name of one of your datasets.")
    recipe: dict[str, Any] = Field(
        default_factory=dict,
        max_length=40,
        description="Fields of the recipe that differ from what is recommended.",
    )
    seed: Seed = 42

    @field_validator("recipe")
    @classmethod
    def _without_a_model(cls, recipe: dict[str, Any]) -> dict[str, Any]:
        if "model_name_or_path" in recipe:
            raise ValueError("The model is named beside the recipe, not in it")
        return recipe

    def changes(self) -> dict[str, Any]:
        """Return the fields to change under their canonical names.

        Raises:
            ValidationError: Fields are unknown or out of bounds.
        """
        recipe = Recipe.model_validate({"model_name_or_path": self.model, **self.recipe})
        given = recipe.model_fields_set - {"model_name_or_path"}
        return recipe.model_dump(mode="json", include=given)


class RecommendRequest(_Request):
    """Recommend a recipe for training a model on a dataset."""

    model: ModelName
    dataset: Name = Field(description="Name of one of your datasets.")
    seed: Seed = 42


class EvaluateRequest(_Request):
    """Compare what a training made with its base, and register it."""

    training: UUID = Field(description="Id of a training job that succeeded.")


class CrewRequest(_Request):
    """Let the crew fine-tune a model on a dataset and prove it."""

    model: ModelName
    dataset: Name = Field(description="Name of one of your datasets.")
    # It is kept by MLflow and written into files: no control characters.
    goal: str = Field(
        min_length=1,
        max_length=500,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+$",
        description="What the model is for.",
    )
    shuffle_labels: bool = Field(default=False, description="Self-test: must end 'not better'.")
    seed: Seed = 42


class PriorityRequest(_Request):
    """Where a waiting job stands in its queue."""

    priority: int = Field(strict=True, ge=-10, le=10)


Kind = Literal[
    "import", "inspect", "repair", "rehearse", "preview", "recommend", "train", "evaluate", "crew"
]
QUEUES: dict[str, str] = {
    "import": "cpu",
    "inspect": "cpu",
    "repair": "cpu",
    "rehearse": "cpu",
    "preview": "cpu",
    "recommend": "cpu",
    "train": "gpu",
    "evaluate": "gpu",
    "crew": "gpu",
}
