"""A recipe on the screen: its values and why, a field for each, the file and command that say it.

Not covered: which values are allowed. The API says what is wrong with one.
"""

import json
import shlex
from typing import Any

import streamlit as st

from crewtune import Recommendation
from frontend.words import figure, plain

_MODEL = "model_name_or_path"
_CHOSEN_BEFORE = (_MODEL, "seed")
_HELP = {
    "method": "sft learns answers; dpo, orpo and simpo which of two is better; kto good from bad; "
    "grpo from what rewards give to its own answers.",
    "rewards": 'JSON, for grpo: a list such as [{"name": "length", "most": 80}]. Others are '
    "format, exact_match, normalised_match and json_schema.",
    "num_generations": "Answers of grpo to a question in each step.",
    "max_completion_length": "Tokens that an answer of grpo may have.",
    "temperature": "Of the answers of grpo: higher ones differ more.",
    "beta": "How much a difference between answers counts. sft has no use for it.",
    "simpo_gamma": "The margin of simpo. Other methods have no use for it.",
    "max_grad_norm": "A longer gradient is scaled down to this norm.",
    "padding_free": "Rows stand one behind the other and nothing is padded; the loss is the same.",
    "early_stopping_patience": "Looks without a lower held-out loss, of eight; 0 never stops.",
    "r": "Rank of the LoRA matrices.",
    "lora_alpha": "The LoRA scale is lora_alpha / r.",
    "target_modules": "all-linear, or names of layers with commas between them.",
    "warmup_steps": "Share of the steps in which the learning rate rises.",
    "max_length": "Tokens a row may have; see long_rows.",
    "long_rows": "What becomes of longer rows: left out, refused by number, or cut at the end.",
    "chat_template": "How turns become text: the model's own template, or one that CrewTune has.",
    "thoughts": "Whether what an answer thinks first is learned or dropped.",
    "bf16": "Compute in bfloat16 rather than float32.",
}

Recipe = dict[str, Any]


def draw_reasons(advice: Recommendation) -> None:
    """Draw the recommended values, each with why."""
    if advice.fits:
        st.caption(
            f"Needs about {advice.estimated_memory_gib:.1f} GiB of memory; "
            f"{advice.available_memory_gib:.1f} GiB are free."
        )
    else:
        st.warning(
            f"It needs about {advice.estimated_memory_gib:.1f} GiB of memory and "
            f"{advice.available_memory_gib:.1f} GiB are free. Choose a smaller model, or make "
            "per\\_device\\_train\\_batch\\_size or max\\_length smaller."
        )
    rows = [
        {
            "Field": plain(name),
            "Value": plain(figure(value)),
            "Why": plain(advice.reasons.get(name, "")),
        }
        for name, value in advice.recipe.items()
        if name != _MODEL
    ]
    st.table(rows, hide_index=True)


def fill_fields(recipe: Recipe) -> None:
    """Put the values of `recipe` into the fields. Called before they are drawn."""
    for name, value in recipe.items():
        if name not in _CHOSEN_BEFORE:
            st.session_state[f"training_recipe_{name}"] = _as_text(name, value)


def draw_fields(advice: Recommendation) -> Recipe:
    """Draw a field for every value and return the recipe as the fields have it."""
    recipe = advice.recipe
    edited = dict(recipe)
    columns = st.columns(3)
    names = [name for name in recipe if name not in _CHOSEN_BEFORE]
    for place, name in enumerate(names):
        with columns[place % 3]:
            edited[name] = _draw_field(name, recipe[name], advice.choices.get(name))
    return edited


def _draw_field(name: str, value: object, choices: tuple[str, ...] | None) -> object:
    key, hint = f"training_recipe_{name}", _HELP.get(name)
    if choices:
        return st.selectbox(name, choices, key=key, help=hint, persist_state="session")
    if isinstance(value, bool):
        return st.toggle(name, key=key, help=hint, persist_state="session")
    if isinstance(value, int):
        return st.number_input(name, step=1, key=key, help=hint, persist_state="session")
    if isinstance(value, float):
        return st.number_input(
            name, step=_step(value), format="%g", key=key, help=hint, persist_state="session"
        )
    text = st.text_input(name, key=key, help=hint, persist_state="session")
    if name == "rewards":
        return _rewards(text)
    return _layers(text) if name == "target_modules" else text


def _as_text(name: str, value: object) -> object:
    """Return `value` as its field shows it."""
    if name == "rewards":
        return json.dumps(value)
    return ", ".join(value) if isinstance(value, list | tuple) else value


def _rewards(text: str) -> object:
    try:
        return json.loads(text or "[]")
    except ValueError:
        return text  # the API says what is wrong with it


def _step(value: float) -> float:
    """Return one of the first digit that matters: 0.001 for 0.005."""
    return float(f"1e{f'{value:e}'.partition('e')[2]}") if value else 0.01


def _layers(text: str) -> str | list[str]:
    names = [one.strip() for one in text.split(",") if one.strip()]
    return names if len(names) > 1 else "".join(names)


def changes(recommended: Recipe, edited: Recipe) -> Recipe:
    """Return the fields that were changed."""
    return {name: value for name, value in edited.items() if recommended[name] != value}


def as_yaml(recipe: Recipe) -> str:
    """Return the recipe file that says the same."""
    return "\n".join(f"{name}: {json.dumps(value)}" for name, value in recipe.items())


def as_command(model: str, dataset: str, changed: Recipe, seed: int) -> str:
    """Return the command that starts the same training."""
    words = ["crewtune", "train", model, dataset]
    for name, value in changed.items():
        words += ["--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    if seed != 42:
        words += ["--seed", str(seed)]
    return shlex.join(words)
