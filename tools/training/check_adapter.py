"""Judge a LoRA adapter folder by its files, before PEFT is allowed to load it.

Only plain LoRA in safetensors passes. Whatever else an adapter_config.json can ask for (code by
name, copied layers, data-driven starts) is refused by name rather than ignored.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.errors import ModelError
from tools.hub.read_json import read_json_object
from tools.hub.weight_files import tensor_shapes

if TYPE_CHECKING:
    from peft import LoraConfig

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"

_Name = Annotated[str, Field(max_length=400)]
_Rank = Annotated[int, Field(ge=1, le=512)]
# What PEFT writes for every adapter and loading does not need.
_UNUSED = frozenset(
    {
        "base_model_name_or_path",
        "inference_mode",
        "init_lora_weights",
        "megatron_core",
        "peft_version",
        "qalora_group_size",
        "revision",
        "task_type",
    }
)


class _PlainLora(BaseModel):
    """The part of adapter_config.json that loading uses."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    peft_type: Literal["LORA"]
    r: _Rank
    lora_alpha: float = Field(gt=0)
    lora_dropout: float = Field(default=0.0, ge=0, lt=1)
    target_modules: _Name | list[_Name]
    exclude_modules: _Name | list[_Name] | None = None
    modules_to_save: list[_Name] | None = None
    bias: Literal["none", "all", "lora_only"] = "none"
    fan_in_fan_out: bool = False
    use_rslora: bool = False
    use_dora: bool = False
    rank_pattern: dict[_Name, _Rank] = Field(default_factory=dict)
    alpha_pattern: dict[_Name, float] = Field(default_factory=dict)


def check_adapter(name: str, folder: Path) -> "LoraConfig":
    """Return how to attach the adapter in `folder`, which people know as `name`.

    Raises:
        ModelError: Files are missing, damaged or unsafe, or it is not plain LoRA.
    """
    if not (folder / ADAPTER_CONFIG).is_file():
        raise ModelError(f"There is no adapter {name!r}: its folder has no {ADAPTER_CONFIG}.")
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise ModelError(
            f"The adapter {name!r} has no {ADAPTER_WEIGHTS}. Pickled weights (.bin) can run code "
            "and are not read; save the adapter again with save_pretrained."
        )
    settings = _plain_settings(name, read_json_object(folder / ADAPTER_CONFIG))
    tensor_shapes(folder / ADAPTER_WEIGHTS)

    # Imported here: it brings torch.
    from peft import LoraConfig

    return LoraConfig(
        **settings.model_dump(exclude={"peft_type"}), task_type="CAUSAL_LM", inference_mode=True
    )


def _plain_settings(name: str, content: dict[str, Any]) -> _PlainLora:
    used = {key: value for key, value in content.items() if value and key not in _UNUSED}
    try:
        return _PlainLora.model_validate(used)
    except ValidationError as error:
        fields = ", ".join(sorted({str(problem["loc"][0]) for problem in error.errors()}))
        raise ModelError(
            f"The adapter {name!r} is not plain LoRA that can be attached: see {fields} in its "
            f"{ADAPTER_CONFIG}."
        ) from error
