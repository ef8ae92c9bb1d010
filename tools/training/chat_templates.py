"""The chat templates that come with CrewTune, for base models that have none of their own.

A tokenizer's own template comes first. Another one is chosen by its name in the recipe, is written
with the adapter, and is what base and tuned model are asked in. A template whose markers are not
single tokens of the vocabulary is refused: the model would have to spell `<|im_end|>` letter by
letter to end its answer. `alpaca`, `zephyr` and `plain` mark turns with words and end an answer
with the tokenizer's own end of sequence, so they fit every vocabulary.

A text begins with the beginning-of-sequence token where the tokenizer begins its texts with it.

Not covered: adding tokens to a vocabulary, images, and tool calls but in llama3, mistral and qwen.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from tools.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TemplateName = Literal[
    "own",
    "alpaca",
    "chatml",
    "gemma",
    "llama2",
    "llama3",
    "mistral",
    "phi3",
    "phi4",
    "plain",
    "qwen",
    "zephyr",
]

_FOLDER = Path(__file__).with_name("templates")
_NO_BEGINNING = "{%- set bos_token = '' -%}\n"


class ChatTemplate(NamedTuple):
    """What a template asks of a vocabulary, and for which models it is made."""

    markers: tuple[str, ...] = ()
    end: str | None = None  # the marker that ends an answer; else the tokenizer's end of sequence
    models: tuple[str, ...] = ()  # model types; any when there are none
    tools: bool = False


# In the order in which they are proposed: the first that fits vocabulary and model is.
TEMPLATES: dict[TemplateName, ChatTemplate] = {
    "llama3": ChatTemplate(
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"), "<|eot_id|>", tools=True
    ),
    "gemma": ChatTemplate(("<start_of_turn>", "<end_of_turn>"), "<end_of_turn>"),
    "phi4": ChatTemplate(("<|im_start|>", "<|im_sep|>", "<|im_end|>"), "<|im_end|>"),
    "phi3": ChatTemplate(("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"), "<|end|>"),
    "qwen": ChatTemplate(
        ("<|im_start|>", "<|im_end|>"),
        "<|im_end|>",
        ("qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "qwen3_next"),
        tools=True,
    ),
    "chatml": ChatTemplate(("<|im_start|>", "<|im_end|>"), "<|im_end|>"),
    "mistral": ChatTemplate(
        (
            "[INST]",
            "[/INST]",
            "[AVAILABLE_TOOLS]",
            "[/AVAILABLE_TOOLS]",
            "[TOOL_CALLS]",
            "[TOOL_RESULTS]",
            "[/TOOL_RESULTS]",
        ),
        models=("mistral", "mixtral", "ministral", "mistral3"),
        tools=True,
    ),
    "zephyr": ChatTemplate(models=("mistral", "mixtral")),
    "llama2": ChatTemplate(("<s>", "</s>"), models=("llama",)),
    "alpaca": ChatTemplate(),
    "plain": ChatTemplate(),
}


@lru_cache(maxsize=len(TEMPLATES))
def template_text(name: TemplateName) -> str:
    """Return the text of one of the templates that come with CrewTune."""
    return (_FOLDER / f"{name}.jinja").read_text(encoding="utf-8")


def own_template(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Return the chat template that `tokenizer` has, or None."""
    template: Any = tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default")
    return template if isinstance(template, str) else None


def fitting_templates(tokenizer: PreTrainedTokenizerBase) -> tuple[TemplateName, ...]:
    """Return the templates whose markers are single tokens of the vocabulary, by name."""
    return tuple(sorted(name for name in TEMPLATES if not _missing(name, tokenizer)))


def propose_template(tokenizer: PreTrainedTokenizerBase, model_type: str) -> TemplateName:
    """Return the template to train with: the tokenizer's own, else the one made for such models.

    Args:
        tokenizer: The model's.
        model_type: As the model's config.json names it, e.g. `qwen3`.
    """
    if own_template(tokenizer) is not None:
        return "own"
    fitting = fitting_templates(tokenizer)
    for name, one in TEMPLATES.items():
        if name in fitting and (not one.models or model_type in one.models):
            return name
    return "plain"


def use_template(tokenizer: PreTrainedTokenizerBase, name: TemplateName) -> None:
    """Make `tokenizer` speak in the template called `name`.

    `own` leaves the tokenizer as it is. The token that ends an answer becomes the tokenizer's end
    of sequence, so that whoever loads it later stops there.

    Raises:
        ModelError: Markers of the template are not tokens of the vocabulary.
    """
    if name == "own":
        return
    template = TEMPLATES[name]
    missing = _missing(name, tokenizer)
    if missing:
        raise ModelError(
            f"The chat template {name!r} does not fit this model: {', '.join(missing)} "
            f"{'is no token' if len(missing) == 1 else 'are no tokens'} of its vocabulary. "
            f"Of the templates, {', '.join(fitting_templates(tokenizer))} fit it."
        )
    tokenizer.chat_template = text_for(tokenizer, name)
    if template.end is not None:
        tokenizer.eos_token = template.end


def text_for(tokenizer: PreTrainedTokenizerBase, name: TemplateName) -> str:
    """Return the text of a template as it is for `tokenizer`, which may begin no text with BOS."""
    text = template_text(name)
    return text if beginning(tokenizer) else _NO_BEGINNING + text


def beginning(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Return the token with which `tokenizer` begins a text of its own accord, if it does."""
    first = tokenizer.bos_token_id
    ids = list(tokenizer("a").input_ids)
    return [first] if isinstance(first, int) and ids[:1] == [first] else []


def _missing(name: TemplateName, tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Return the markers of a template that would not become one token in the midst of a text."""
    vocabulary = tokenizer.get_vocab()
    missing = []
    for marker in TEMPLATES[name].markers:
        token = vocabulary.get(marker)
        spelt = tokenizer(f"a{marker}b", add_special_tokens=False).input_ids
        if token is None or token not in spelt:
            missing.append(marker)
    return missing


def template_names() -> tuple[TemplateName, ...]:
    """Return every name a recipe may give, `own` first."""
    return get_args(TemplateName)
