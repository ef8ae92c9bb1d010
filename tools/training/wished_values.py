"""The values a first recipe begins with, each with its reason, whatever the memory.

They are those that published guides begin with for LoRA.

Not covered: what fits the memory (`recommend`).
"""

from typing import NamedTuple

from tools.hub.resolve_model import ModelSource
from tools.training.probe_hardware import HardwareReport
from tools.training.recipe import MethodName
from tools.training.rewards import Reward

_TINY, _SMALL = 5_000_000, 700_000_000  # parameters
# Below this many parameters, bfloat16 saves less time than its rounding costs.
_BF16_FROM = 100_000_000
_TINY_STEPS, _TINY_EPOCHS = 500, 20
LENGTH_STEP = 64  # tokens
_PATIENCE = 3
_METHODS: dict[MethodName, str] = {
    "sft": "The rows have answers to learn.",
    "dpo": "The rows say which of two answers is better.",
    "orpo": "It learns the better answer and prefers it, without a reference.",
    "simpo": "It prefers the better answer a token, without a reference.",
    "kto": "The rows say whether an answer is good.",
    "grpo": "Rewards judge what the model answers to the rows.",
}
_GRPO = {
    "rewards": "Only grpo reads them; what a good answer is, its user says.",
    "num_generations": "8 answers to a question, as TRL begins with: fewer differ too rarely, more "
    "take longer.",
    "max_completion_length": "An answer of grpo is cut at 256 tokens; raise it for answers that "
    "think.",
    "temperature": "At 1 the answers of grpo are drawn from the model as it is.",
}


class RunData(NamedTuple):
    """What is known of a run before its recipe."""

    rows: int
    longest_tokens: int
    median_tokens: int
    method: MethodName
    seed: int
    rewards: tuple[Reward, ...] = ()


class _Start(NamedTuple):
    """Rank and learning rate to begin with, and why."""

    rank: int
    rank_reason: str
    learning_rate: float
    rate_reason: str


# "LoRA Without Regret" (Thinking Machines, 2025) keeps alpha at 32 whatever the rank.
_ALPHA = 32
# 2e-4 is the rate of Unsloth's LoRA hyperparameters guide and of the LoRA example in TRL's sft.py.
# "LoRA Without Regret" finds the best rate at ten times a full fine-tune's, which TRL sets to 2e-5,
# and nearly the same for every rank.
_RATE = 2e-4
_RATE_REASON = (
    "Unsloth's guide and TRL's example for LoRA begin with 2e-4, ten times the rate of a full "
    "fine-tune, as 'LoRA Without Regret' by Thinking Machines advises."
)
_TINY_START = _Start(
    16,
    "Rank 16 gives the adapter of a tiny model enough room.",
    5e-3,
    "A model below 5 million parameters learns only at a high rate: 5e-3.",
)
# The rank of TRL's example, which tunes half a billion parameters. The adapter of a narrow model
# has fewer parameters at the same rank, so that the higher of Unsloth's two costs little.
_SMALL_START = _Start(
    32,
    "TRL's example of LoRA on half a billion parameters takes rank 32; Unsloth's guide says 16 or "
    "32.",
    _RATE,
    _RATE_REASON,
)
_LARGE_START = _Start(
    16,
    "Unsloth's guide begins with rank 16 or 32; the lower one takes less memory.",
    _RATE,
    _RATE_REASON,
)

Choice = tuple[dict[str, object], dict[str, str]]


def wished_values(model: ModelSource, hardware: HardwareReport, data: RunData) -> Choice:
    """Return what is recommended whatever the memory, and why."""
    values: dict[str, object] = {
        "model_name_or_path": model.shown,
        "seed": data.seed,
        "early_stopping_patience": _PATIENCE,
    }
    reasons = {
        "model_name_or_path": "The model that was chosen.",
        "max_grad_norm": "A gradient that is longer is an accident of one step, and is held back.",
        "padding_free": "Rows one behind the other: no time is spent on padding, and the loss is "
        "the same.",
        "early_stopping_patience": f"After {_PATIENCE} of eight looks without a lower held-out "
        "loss, more steps would teach the rows by heart.",
        "seed": "The same seed gives the same run on the same machine.",
        "long_rows": "No answer is cut in two: longer rows are left out, and counted.",
        "chat_template": "The model is asked as it always was; without a template of its own, in "
        "plain lines.",
        "thoughts": "What the answers think first is learned, where there is any.",
    }
    for choice in (
        _adapter(model, data),
        _method(model, data),
        _schedule(model, data),
        _precision(model, hardware),
        _length(model, data),
    ):
        values |= choice[0]
        reasons |= choice[1]
    return values, reasons


def _adapter(model: ModelSource, data: RunData) -> Choice:
    start = _start(model.parameters or 0)
    few = data.rows < 500 and start is not _TINY_START
    return {
        "r": start.rank,
        "lora_alpha": _ALPHA,
        "lora_dropout": 0.05 if few else 0.0,
        "target_modules": "all-linear",
        "learning_rate": start.learning_rate,
        "weight_decay": 0.0,
    }, {
        "r": start.rank_reason,
        "lora_alpha": f"Alpha {_ALPHA}, as in 'LoRA Without Regret', weighs the adapter at rank "
        f"{start.rank} by {_ALPHA / start.rank:g}.",
        "lora_dropout": "With fewer than 500 rows, a little dropout keeps it from learning them "
        "by heart."
        if few
        else "Dropout slows learning and is not needed here.",
        "target_modules": "Adapting attention alone does worse, even with as many parameters.",
        "learning_rate": start.rate_reason,
        "weight_decay": "An adapter is small; holding it back with weight decay gains little.",
    }


def _method(model: ModelSource, data: RunData) -> Choice:
    method = data.method
    beta = 2.0 if method == "simpo" else 0.1
    values: dict[str, object] = {"method": method, "beta": beta, "rewards": data.rewards}
    reasons = {
        "method": _METHODS[method],
        "beta": "0.1, and 2 of simpo, are the values of the methods' papers."
        if method not in ("sft", "grpo")
        else "Only methods that weigh two answers against each other read it.",
        "simpo_gamma": "A margin of 0.5, as trainers of simpo begin with; other methods have none.",
        **_GRPO,
    }
    if method != "sft":
        tiny = (model.parameters or 0) <= _TINY
        values["learning_rate"] = 5e-4 if tiny else 5e-6
        reasons["learning_rate"] = (
            "Preferences and rewards move a model that can answer already: a fortieth of the rate "
            "at which answers are learned, as guides to DPO and GRPO with LoRA begin with 5e-6."
        )
    return values, reasons


def _start(parameters: int) -> _Start:
    if parameters <= _TINY:
        return _TINY_START
    return _SMALL_START if parameters <= _SMALL else _LARGE_START


def _schedule(model: ModelSource, data: RunData) -> Choice:
    if (model.parameters or 0) <= _TINY:
        batch = 8 if data.rows < 500 else 16
        epochs = min(_TINY_EPOCHS, max(1, round(_TINY_STEPS * batch / data.rows)))
        why = f"A tiny model needs about {_TINY_STEPS} steps to learn a task."
    else:
        steps = ((500, 8, 5), (5_000, 16, 3), (20_000, 32, 2))
        batch, epochs = next(((b, e) for below, b, e in steps if data.rows < below), (32, 1))
        why = "Few rows need more passes, many rows are learned in one or two."
    return {
        "per_device_train_batch_size": batch,
        "num_train_epochs": epochs,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.05,
    }, {
        "num_train_epochs": f"{epochs} epochs of {data.rows:,} rows. {why}",
        "lr_scheduler_type": "A rate that falls along a cosine ends with small, careful steps.",
        "warmup_steps": "The rate rises during the first 5 % of the steps, so that the first "
        "batches do not throw the model off.",
    }


def _precision(model: ModelSource, hardware: HardwareReport) -> Choice:
    large = (model.parameters or 0) >= _BF16_FROM
    if hardware.bf16 and large:
        why = "This machine computes in bfloat16 by itself: half the memory, and faster."
    elif large:
        why = "This machine has no bfloat16 worth using, so it computes in float32."
    else:
        why = "For a model this small, float32 costs little and is exact."
    return {"bf16": hardware.bf16 and large}, {"bf16": why}


def _length(model: ModelSource, data: RunData) -> Choice:
    highest = min(model.max_positions or 131_072, 131_072)
    length = max(16, min(highest, rounded_up(data.longest_tokens)))
    if length >= data.longest_tokens:
        why = f"The longest row has {data.longest_tokens:,} tokens; {length:,} holds all rows."
    else:
        why = f"The model reads {highest:,} tokens at most. Longer rows are left out."
    return {"max_length": length}, {"max_length": why}


def rounded_up(tokens: int) -> int:
    """Return the length that is offered for so many tokens."""
    return -(-tokens // LENGTH_STEP) * LENGTH_STEP
