"""A training recipe: the YAML file, the agent's answer and what MLflow records are this one model.

Canonical names are TRL's and PEFT's. The aliases people know from other tools (`lr`, `lora_rank`,
`cutoff_len`, `num_epochs`, ...) are accepted on input and shown under the canonical name.

Not covered: quantised bases and full fine-tuning.
"""

import re
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin

import yaml
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from tools.errors import RecipeError
from tools.files import write_text
from tools.training.chat_templates import TemplateName
from tools.training.fit_rows import LongRows
from tools.training.rewards import Reward
from tools.training.thoughts import Thoughts

_LAYER = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_MOST_LAYERS = 100


def _check_layers(named: str | tuple[str, ...]) -> str | tuple[str, ...]:
    if named in ("all", ("all",)):  # LLaMA-Factory's name for it
        return "all-linear"
    # PEFT reads a text as a regular expression, which may take for ever: only names get there.
    names = (named,) if isinstance(named, str) else named
    if not 0 < len(names) <= _MOST_LAYERS or not all(_LAYER.fullmatch(name) for name in names):
        raise ValueError("give 'all-linear', or names of layers such as q_proj")
    return named


MethodName = Literal["sft", "dpo", "orpo", "kto", "simpo", "grpo"]


class Recipe(BaseModel):
    """A fine-tune of a LoRA adapter."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_by_name=True
    )

    model_name_or_path: Annotated[
        str,
        Field(
            min_length=1,
            max_length=400,
            validation_alias=AliasChoices(
                "model_name_or_path", "base_model", "model", "model_name"
            ),
            description="Hugging Face id or the name of a local model.",
        ),
    ]
    method: MethodName = Field(
        default="sft",
        validation_alias=AliasChoices("method", "stage", "rl", "trainer"),
        description="sft learns answers; dpo, orpo and simpo learn which of two is better; kto "
        "learns from answers that are good or bad; grpo from what rewards give to its own answers.",
    )
    beta: float = Field(
        default=0.1,
        gt=0,
        le=100,
        validation_alias=AliasChoices("beta", "pref_beta", "rl_beta", "dpo_beta"),
        description="Of preference methods: how much a difference counts. 2 is usual for simpo.",
    )
    simpo_gamma: float = Field(
        default=0.5, ge=0, le=100, description="Margin by which simpo wants the chosen ahead."
    )
    rewards: tuple[Reward, ...] = Field(
        default=(),
        max_length=20,
        validate_default=True,
        description="What judges the answers of grpo: functions by name, with their weights.",
    )
    num_generations: int = Field(
        default=8, ge=2, le=1024, description="Answers of grpo to a question in each step."
    )
    max_completion_length: int = Field(
        default=256,
        ge=1,
        le=32768,
        description="Tokens that an answer of grpo may have; with its question it fits max_length.",
    )
    temperature: float = Field(
        default=1.0,
        ge=0.05,
        le=10,
        description="Of the answers of grpo: higher ones differ more.",
    )
    r: int = Field(
        default=16,
        ge=1,
        le=512,
        validation_alias=AliasChoices("r", "lora_r", "lora_rank"),
        description="Rank of the LoRA matrices.",
    )
    lora_alpha: int = Field(default=32, ge=1, le=2048, description="LoRA scale is alpha / r.")
    lora_dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: Annotated[str | tuple[str, ...], AfterValidator(_check_layers)] = Field(
        default="all-linear",
        validation_alias=AliasChoices("target_modules", "lora_target", "lora_target_modules"),
        description="Layers to adapt. Attention alone underperforms all linear layers.",
    )
    # About ten times a full fine-tune's rate, as TRL's notes on LoRA advise.
    learning_rate: float = Field(
        default=2e-4, gt=0, lt=1, validation_alias=AliasChoices("learning_rate", "lr")
    )
    lr_scheduler_type: Literal["cosine", "linear", "constant_with_warmup"] = Field(
        default="cosine",
        validation_alias=AliasChoices("lr_scheduler_type", "lr_scheduler", "scheduler"),
    )
    warmup_steps: float = Field(
        default=0.05, ge=0, lt=1, description="Share of the steps in which the rate rises."
    )
    weight_decay: float = Field(default=0.0, ge=0, le=1)
    num_train_epochs: int = Field(
        default=3,
        ge=1,
        le=100,
        validation_alias=AliasChoices("num_train_epochs", "num_epochs", "epochs"),
    )
    per_device_train_batch_size: int = Field(
        default=8,
        ge=1,
        le=1024,
        validation_alias=AliasChoices(
            "per_device_train_batch_size", "micro_batch_size", "batch_size"
        ),
    )
    gradient_accumulation_steps: int = Field(
        default=1,
        ge=1,
        le=1024,
        validation_alias=AliasChoices("gradient_accumulation_steps", "gradient_accumulation"),
    )
    max_length: int = Field(
        default=1024,
        ge=16,
        le=131072,
        validation_alias=AliasChoices(
            "max_length", "cutoff_len", "sequence_len", "max_seq_length", "model_max_length"
        ),
        description="Tokens a row may have; see long_rows.",
    )
    long_rows: LongRows = Field(
        default="leave_out",
        description="What becomes of rows longer than max_length: they are left out, the first is "
        "refused by its number, or all are cut at the end.",
    )
    chat_template: TemplateName = Field(
        default="own",
        validation_alias=AliasChoices("chat_template", "template"),
        description="How turns become text: the tokenizer's own template, or `plain` where it has "
        "none; else one that comes with CrewTune.",
    )
    thoughts: Thoughts = Field(
        default="keep", description="Whether the answers' thoughts are learned or dropped."
    )
    max_grad_norm: float = Field(
        default=1.0, gt=0, le=1e6, description="A longer gradient is scaled down to this norm."
    )
    padding_free: bool = Field(
        default=True,
        validation_alias=AliasChoices("padding_free", "packing", "sample_packing", "neat_packing"),
        description="Rows of a step stand one behind the other and attend to themselves alone; "
        "nothing is padded. The loss is the same.",
    )
    early_stopping_patience: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="The run ends when the held-out loss has not fallen in so many looks, of which "
        "there are eight; 0 never ends it. The best weights are kept in any case.",
    )
    bf16: bool = Field(default=False, description="Compute in bfloat16 rather than float32.")
    seed: int = Field(
        default=42, ge=0, lt=2**32, validation_alias=AliasChoices("seed", "random_seed")
    )

    @field_validator("rewards")
    @classmethod
    def _check_rewards(
        cls, rewards: tuple[Reward, ...], before: ValidationInfo
    ) -> tuple[Reward, ...]:
        if before.data.get("method") == "grpo" and not rewards:
            raise ValueError(
                "grpo needs at least one, such as {name: format, pattern: '[A-Z].*'}; others are "
                "exact_match, normalised_match, length and json_schema"
            )
        return rewards


def choices() -> dict[str, tuple[str, ...]]:
    """Return the words that a field may have, of those fields that have one of a few."""
    kinds = {name: field.annotation for name, field in Recipe.model_fields.items()}
    return {name: get_args(kind) for name, kind in kinds.items() if get_origin(kind) is Literal}


def load_recipe(path: Path) -> Recipe:
    """Read a recipe from a YAML file.

    Raises:
        RecipeError: The file cannot be read, or fields are wrong; all of them are named.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise RecipeError(f"The recipe {path.name!r} cannot be read as YAML.") from error
    if not isinstance(content, dict):
        raise RecipeError(f"The recipe {path.name!r} must be a list of 'name: value' lines.")
    return check_recipe(content)


def check_recipe(content: dict[str, object]) -> Recipe:
    """Return the recipe that `content` spells.

    Raises:
        RecipeError: Fields are wrong; all of them are named at once.
    """
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
            for problem in error.errors()
        )
        raise RecipeError(f"The recipe is not valid: {problems}.") from error


def save_recipe(recipe: Recipe, path: Path) -> None:
    """Write `recipe` as YAML under its canonical names."""
    write_text(path, yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))
