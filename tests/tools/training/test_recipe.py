from pathlib import Path

import pytest

from tools.errors import RecipeError
from tools.training.chat_templates import TEMPLATES
from tools.training.recipe import Recipe, check_recipe, choices, load_recipe, save_recipe

ROOT = Path(__file__).parents[3]


def test_no_field_is_mere_decoration() -> None:
    code = "".join(
        path.read_text(encoding="utf-8") for path in ROOT.rglob("tools/training/**/*.py")
    )

    assert [name for name in Recipe.model_fields if f"recipe.{name}" not in code] == []


def test_fields_of_a_few_words_tell_them() -> None:
    told = choices()

    assert told["thoughts"] == ("keep", "drop")
    assert set(told["chat_template"]) == {"own", *TEMPLATES}
    assert sorted(told) == ["chat_template", "long_rows", "lr_scheduler_type", "method", "thoughts"]


@pytest.mark.parametrize(
    ("alias", "name", "value"),
    [
        ("base_model", "model_name_or_path", "org/model"),
        ("lora_rank", "r", 8),
        ("lora_r", "r", 8),
        ("lora_target", "target_modules", "all-linear"),
        ("lr", "learning_rate", 1e-4),
        ("lr_scheduler", "lr_scheduler_type", "linear"),
        ("num_epochs", "num_train_epochs", 2),
        ("micro_batch_size", "per_device_train_batch_size", 4),
        ("gradient_accumulation", "gradient_accumulation_steps", 4),
        ("cutoff_len", "max_length", 512),
        ("sequence_len", "max_length", 512),
        ("max_seq_length", "max_length", 512),
        ("random_seed", "seed", 7),
    ],
)
def test_names_of_other_tools_are_understood(alias: str, name: str, value: object) -> None:
    content = {"model_name_or_path": "tiny", alias: value}
    if name == "model_name_or_path":
        del content["model_name_or_path"]

    assert getattr(check_recipe(content), name) == value


def test_all_problems_are_named_at_once() -> None:
    with pytest.raises(RecipeError) as refusal:
        check_recipe({"model": "tiny", "lr": float("nan"), "r": 100000, "max_steps": 5})

    for field in ("lr: ", "r: ", "max_steps: "):
        assert field in str(refusal.value)


REWARDS = [
    {"name": "format", "pattern": "[A-Z].*", "weight": 2},
    {"name": "exact_match", "column": "solution"},
    {"name": "length", "most": 80, "unit": "characters"},
    {"name": "json_schema", "answer_schema": {"type": "object", "required": ["name"]}},
]


def test_a_recipe_is_the_same_after_a_round_trip(tmp_path: Path) -> None:
    recipe = check_recipe(
        {
            "model_name_or_path": "tiny",
            "target_modules": ("q_proj", "v_proj"),
            "seed": 7,
            "method": "grpo",
            "rewards": REWARDS,
        }
    )

    save_recipe(recipe, tmp_path / "recipe.yaml")

    assert load_recipe(tmp_path / "recipe.yaml") == recipe


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [", "just text", "\x00"])
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(RecipeError, match=r"'bad\.yaml'"):
        load_recipe(tmp_path / "bad.yaml")


def test_grpo_needs_a_reward() -> None:
    with pytest.raises(RecipeError, match="rewards: Value error, grpo needs at least one"):
        check_recipe({"model_name_or_path": "tiny", "method": "grpo"})
