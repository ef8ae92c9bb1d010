from pathlib import Path
from typing import Any

import pytest

from tools.errors import RecipeError
from tools.hub.resolve_model import ModelSource
from tools.training.estimate_memory import adapter_parameters, check_memory, estimate_memory
from tools.training.probe_hardware import Gpu, HardwareReport
from tools.training.recipe import Recipe
from tools.training.recommend import recommend
from tools.training.rewards import LengthReward

SHAPES: dict[str, dict[str, int]] = {
    "tiny": {
        "parameters": 1_000_000,
        "layers": 4,
        "hidden_size": 128,
        "intermediate_size": 384,
        "vocab_size": 1_536,
        "max_positions": 512,
    },
    "0.6B": {
        "parameters": 596_000_000,
        "layers": 28,
        "hidden_size": 1_024,
        "intermediate_size": 3_072,
        "vocab_size": 151_936,
        "max_positions": 40_960,
    },
    "8B": {
        "parameters": 8_030_000_000,
        "layers": 32,
        "hidden_size": 4_096,
        "intermediate_size": 14_336,
        "vocab_size": 128_256,
        "max_positions": 131_072,
    },
}


def model(size: str, **changes: Any) -> ModelSource:
    values: dict[str, Any] = {
        "name": size,
        "folder": Path("models") / size,
        "revision": None,
        "local": True,
        "model_type": "llama",
        "weights_bytes": 1,
        **SHAPES[size],
        **changes,
    }
    return ModelSource(**values)


def machine(free_gib: float = 20, *, gpu: bool = False, bf16: bool = True) -> HardwareReport:
    card = Gpu(
        index=0,
        name="GPU",
        memory_gib=free_gib,
        free_gib=free_gib,
        compute_capability="8.0",
        bf16=bf16,
    )
    return HardwareReport(
        processor="Processor",
        cores_physical=2,
        memory_gib=free_gib,
        memory_free_gib=free_gib,
        gpus=(card,) if gpu else (),
        backend="cuda" if gpu else "cpu",
        backend_version=None,
        bf16=bf16,
        disk_free_gib=100,
        torch_version="2",
    )


def advise(size: str, hardware: HardwareReport, **data: Any) -> Any:
    lengths = {"rows": 1_000, "longest_tokens": 100, "median_tokens": 50, **data}
    return recommend(model(size), hardware, **lengths)


def test_a_tiny_model_learns_fast_for_hundreds_of_steps() -> None:
    advice = advise("tiny", machine())

    assert advice.recipe == Recipe(
        model_name_or_path="tiny",
        r=16,
        lora_alpha=32,
        learning_rate=5e-3,
        num_train_epochs=8,
        per_device_train_batch_size=16,
        max_length=128,
        early_stopping_patience=3,
        bf16=False,
    )
    assert advice.fits


@pytest.mark.parametrize(
    ("rows", "steps"), [(20, 60), (300, 494), (499, 504), (500, 512), (1_000, 504), (50_000, 3_125)]
)
def test_a_tiny_model_gets_the_steps_it_needs_from_any_number_of_rows(
    rows: int, steps: int
) -> None:
    recipe = advise("tiny", machine(), rows=rows).recipe

    per_epoch = -(-rows // recipe.per_device_train_batch_size)
    assert recipe.num_train_epochs * per_epoch == steps


@pytest.mark.parametrize(("size", "rank"), [("0.6B", 32), ("8B", 16)])
def test_larger_models_get_what_the_guides_begin_with(size: str, rank: int) -> None:
    advice = advise(size, machine(80, gpu=True))

    assert (advice.recipe.learning_rate, advice.recipe.r) == (2e-4, rank)
    assert advice.recipe.lora_alpha == 32
    assert "Unsloth's guide" in advice.reasons["learning_rate"]
    assert advice.recipe.bf16
    assert advice.fits


@pytest.mark.parametrize(
    ("rows", "batch", "epochs"), [(100, 8, 5), (1_000, 16, 3), (10_000, 32, 2), (100_000, 32, 1)]
)
def test_few_rows_get_more_epochs_and_smaller_steps(rows: int, batch: int, epochs: int) -> None:
    recipe = advise("8B", machine(80, gpu=True), rows=rows).recipe

    assert recipe.num_train_epochs == epochs
    assert recipe.per_device_train_batch_size * recipe.gradient_accumulation_steps == batch


@pytest.mark.parametrize(("size", "free"), [("tiny", 20), ("0.6B", 8), ("8B", 24), ("8B", 2)])
def test_every_value_has_a_reason(size: str, free: float) -> None:
    advice = advise(size, machine(free), longest_tokens=5_000)

    assert set(advice.reasons) == set(Recipe.model_fields)
    assert all(reason.endswith(".") for reason in advice.reasons.values())


@pytest.mark.parametrize(("longest", "length"), [(1, 64), (64, 64), (65, 128), (512, 512)])
def test_the_length_is_the_next_multiple_of_64(longest: int, length: int) -> None:
    assert advise("tiny", machine(), longest_tokens=longest).recipe.max_length == length


def test_the_length_is_never_above_what_the_model_reads() -> None:
    advice = advise("tiny", machine(), longest_tokens=900)

    assert advice.recipe.max_length == 512
    assert "reads 512 tokens at most. Longer rows are left out" in advice.reasons["max_length"]


def test_a_short_memory_makes_batches_smaller_and_keeps_the_rows_a_step() -> None:
    wide = advise("0.6B", machine(80), longest_tokens=500).recipe
    tight = advise("0.6B", machine(12), longest_tokens=500)

    assert tight.recipe.per_device_train_batch_size < wide.per_device_train_batch_size
    assert tight.recipe.per_device_train_batch_size * tight.recipe.gradient_accumulation_steps == 16
    assert tight.recipe.max_length == wide.max_length
    assert tight.fits


def test_a_shorter_memory_leaves_the_longest_rows_out() -> None:
    advice = advise("0.6B", machine(12), longest_tokens=4_000, median_tokens=200)

    assert advice.recipe.per_device_train_batch_size == 1
    assert 200 <= advice.recipe.max_length < 4_000
    assert "memory holds rows of" in advice.reasons["max_length"]
    assert advice.fits


def test_a_model_too_large_for_the_machine_does_not_fit() -> None:
    advice = advise("8B", machine(16, gpu=True))

    assert not advice.fits
    assert advice.estimated_memory_gib > 0.9 * advice.available_memory_gib == 0.9 * 16
    reason = advice.reasons["per_device_train_batch_size"]
    assert reason == "Not even one row at a time fits the memory."


@pytest.mark.parametrize(("share", "fits"), [(0.85, True), (0.95, False), (1.05, False)])
def test_what_is_recommended_as_fitting_is_let_through_and_nothing_else(
    share: float, fits: bool
) -> None:
    smallest = advise("8B", machine(16, gpu=True))
    free_gib = smallest.estimated_memory_gib / share

    assert advise("8B", machine(free_gib, gpu=True)).fits == fits
    if fits:
        check_memory(model("8B"), smallest.recipe, free_gib=free_gib)
    else:
        with pytest.raises(RecipeError, match=rf"of the {free_gib:.1f} GiB that are free"):
            check_memory(model("8B"), smallest.recipe, free_gib=free_gib)


@pytest.mark.parametrize("bf16", [True, False])
def test_bf16_is_for_large_models_on_machines_that_have_it(bf16: bool) -> None:
    assert advise("0.6B", machine(bf16=bf16)).recipe.bf16 == bf16
    assert not advise("tiny", machine(bf16=bf16)).recipe.bf16


@pytest.mark.parametrize("missing", ["rows", "longest_tokens", "median_tokens"])
def test_nothing_to_train_on_is_refused(missing: str) -> None:
    with pytest.raises(RecipeError, match="no rows to train on"):
        advise("tiny", machine(), **{missing: 0})


def test_the_seed_is_the_callers() -> None:
    assert advise("tiny", machine(), seed=7).recipe.seed == 7


def test_adapter_parameters_are_those_of_peft() -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaConfig, LlamaForCausalLM

    shape = SHAPES["tiny"]
    config = LlamaConfig(
        vocab_size=shape["vocab_size"],
        hidden_size=shape["hidden_size"],
        intermediate_size=shape["intermediate_size"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=4,
    )
    recipe = Recipe(model_name_or_path="tiny", r=8)
    lora = LoraConfig(r=8, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = get_peft_model(LlamaForCausalLM(config), lora)

    counted = sum(one.numel() for name, one in adapted.named_parameters() if "lora_" in name)
    assert adapter_parameters(model("tiny"), recipe) == counted


def test_an_8b_model_takes_what_people_report() -> None:
    recipe = Recipe(
        model_name_or_path="8B", per_device_train_batch_size=1, max_length=512, bf16=True
    )

    estimate = estimate_memory(model("8B"), recipe)

    # 16 to 24 GB are reported for LoRA in 16 bits with gradient checkpointing, which is not used.
    assert 16e9 < estimate.total_gib * 2**30 < 28e9
    assert estimate.weights_gib == pytest.approx(2 * 8.03e9 / 2**30)


def test_the_rewards_of_grpo_are_those_that_were_asked_for() -> None:
    rewards = (LengthReward(name="length", most=80),)

    advice = advise("0.6B", machine(), method="grpo", rewards=rewards)

    assert (advice.recipe.method, advice.recipe.rewards) == ("grpo", rewards)
    assert advice.recipe.learning_rate == 5e-6
    assert set(advice.reasons) == set(Recipe.model_fields)
