"""Judge a model folder by its files, before any library is allowed to load it.

A model is data: weights in safetensors, numbers in JSON. Whatever could run code (`auto_map`,
pickled weights) is refused, and so are numbers that would fill the memory before a load fails.

Not covered: whether the weights are any good.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import ModelError
from tools.hub.read_json import read_json_object
from tools.hub.try_template import try_template
from tools.hub.weight_files import count_elements, weight_files

_MODEL_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_TEMPLATE_CHARACTERS = 200_000
# Files of a model that transformers searches for the name of code to run.
_MAY_NAME_CODE = (
    "config.json",
    "tokenizer_config.json",
    "generation_config.json",
    "processor_config.json",
    "preprocessor_config.json",
)
_HIGHEST = {
    "num_hidden_layers": 512,
    "hidden_size": 65_536,
    "intermediate_size": 1_048_576,
    "vocab_size": 2_000_000,
    "max_position_embeddings": 20_000_000,
    "num_attention_heads": 4_096,
    "num_key_value_heads": 4_096,
    "head_dim": 8_192,
    "num_experts": 4_096,
    "num_local_experts": 4_096,
    "n_routed_experts": 4_096,
}
# What some architectures call the same numbers.
_SYNONYMS = {
    "n_layer": "num_hidden_layers",
    "n_layers": "num_hidden_layers",
    "num_layers": "num_hidden_layers",
    "n_embd": "hidden_size",
    "d_model": "hidden_size",
    "n_inner": "intermediate_size",
    "ffn_dim": "intermediate_size",
    "n_positions": "max_position_embeddings",
    "n_ctx": "max_position_embeddings",
    "n_head": "num_attention_heads",
    "n_heads": "num_attention_heads",
}


class ModelFacts(BaseModel):
    """What the files of a model say about it."""

    model_config = ConfigDict(frozen=True)

    model_type: str = Field(description="Architecture as transformers names it, e.g. 'llama'.")
    parameters: int | None = Field(description="Numbers in the weight files.")
    weights_bytes: int = Field(ge=0)
    layers: int = Field(ge=1)
    hidden_size: int = Field(ge=1)
    intermediate_size: int = Field(ge=1)
    vocab_size: int = Field(ge=1)
    max_positions: int | None = Field(description="Longest text in tokens, where it is known.")


def check_model_folder(folder: Path) -> ModelFacts:
    """Return what the model in `folder` is, without loading it.

    Raises:
        ModelError: It is no model folder, no causal language model, or not safe to load.
    """
    config = check_config(folder)
    numbers = _numbers(config)
    files = weight_files(folder)
    facts = ModelFacts(
        model_type=config["model_type"],
        parameters=count_elements(files),
        weights_bytes=sum(file.stat().st_size for file in files),
        layers=numbers.get("num_hidden_layers", 1),
        hidden_size=numbers.get("hidden_size", 1),
        intermediate_size=numbers.get("intermediate_size", 4 * numbers.get("hidden_size", 1)),
        vocab_size=numbers.get("vocab_size", 1),
        max_positions=numbers.get("max_position_embeddings"),
    )
    _refuse_hollow(facts)
    return facts


def check_config(folder: Path) -> dict[str, Any]:
    """Return config.json, after the checks that need no weights.

    Raises:
        ModelError: As `check_model_folder`.
    """
    if not (folder / "config.json").is_file():
        raise ModelError(no_config(folder.name, [path.name for path in folder.iterdir()]))
    config = read_json_object(folder / "config.json")
    _refuse_code(folder)
    _check_type(config)
    if "quantization_config" in config:
        raise ModelError("This model is quantised. Give the model it was made from instead.")
    _numbers(config)
    _check_template(folder)
    return config


def no_config(model: str, file_names: Iterable[str]) -> str:
    """Say what a place with these files and no config.json is."""
    if "adapter_config.json" in file_names:
        return f"{model!r} is a LoRA adapter, not a whole model. Give the model it was trained on."
    return (
        f"{model!r} holds no config.json, so it is not a model folder. A model folder has "
        "config.json, a tokenizer and model.safetensors."
    )


def _refuse_code(folder: Path) -> None:
    for name in _MAY_NAME_CODE:
        path = folder / name
        if path.is_file() and "auto_map" in read_json_object(path):
            raise ModelError(
                f"{name} asks to run Python code that comes with the model (auto_map). Code from "
                "models is never run. Use a model that transformers supports by itself."
            )


def _check_type(config: dict[str, Any]) -> None:
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or not _MODEL_TYPE.fullmatch(model_type):
        raise ModelError("config.json has no usable model_type, so the model cannot be loaded.")
    # Imported here: it brings torch.
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL

    architectures = config.get("architectures") or [CAUSAL.get(model_type)]
    if model_type not in CAUSAL or not set(CAUSAL.values()) & set(map(str, architectures)):
        raise ModelError(
            f"A model of type {model_type!r} is not a causal language model that transformers "
            "knows. Choose one that writes text, such as llama, qwen3 or gemma3."
        )


def _numbers(config: dict[str, Any]) -> dict[str, int]:
    """Return the sizes under one name each; those of the text part win."""
    found: dict[str, int] = {}
    for key, value in config.items():
        name = _SYNONYMS.get(key, key)
        if name in _HIGHEST and value is not None:
            found[name] = _bounded(key, value, _HIGHEST[name])
    for value in config.values():
        if isinstance(value, dict):
            nested = _numbers(value)
            found = (
                {**nested, **found} if value is not config.get("text_config") else found | nested
            )
    return found


def _bounded(key: str, value: object, highest: int) -> int:
    values = value if isinstance(value, list) and value else [value]
    for one in values:
        if not isinstance(one, int) or isinstance(one, bool) or not 1 <= one <= highest:
            raise ModelError(
                f"config.json: {key} is {str(one)[:40]}, and must be a whole number from 1 to "
                f"{highest:,}."
            )
    return int(max(values))


def _check_template(folder: Path) -> None:
    for template in _templates(folder):
        if len(template) > _TEMPLATE_CHARACTERS:
            raise ModelError(
                f"The chat template has {len(template):,} characters; "
                f"{_TEMPLATE_CHARACTERS:,} are allowed."
            )
        try_template(template)


def _templates(folder: Path) -> Iterator[str]:
    """Yield the chat templates of the model, from both places where it may keep them."""
    file, tokenizer = folder / "chat_template.jinja", folder / "tokenizer_config.json"
    if file.is_file():
        with file.open(encoding="utf-8", errors="replace") as text:
            yield text.read(_TEMPLATE_CHARACTERS + 1)
    kept = read_json_object(tokenizer).get("chat_template") if tokenizer.is_file() else None
    for one in kept if isinstance(kept, list) else [kept]:
        template = one.get("template") if isinstance(one, dict) else one
        if isinstance(template, str):
            yield template


def _refuse_hollow(facts: ModelFacts) -> None:
    """Refuse weights far too small for the declared size: the rest would be made up in memory."""
    layer = facts.hidden_size * (facts.hidden_size + facts.intermediate_size)
    declared = facts.layers * layer + facts.vocab_size * facts.hidden_size
    if facts.parameters is not None and declared > 8 * facts.parameters:
        raise ModelError(
            f"config.json declares about {declared:,} parameters, but the weight files hold "
            f"{facts.parameters:,}. The files do not belong together or are incomplete."
        )
