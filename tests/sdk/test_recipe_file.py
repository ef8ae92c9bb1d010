import json
from pathlib import Path

import pytest

from crewtune.recipe_file import Value, read_change, read_recipe
from tools.training.recipe import Recipe, save_recipe


def test_what_the_studio_writes_is_read_as_it_was(tmp_path: Path) -> None:
    recipe = Recipe(
        model_name_or_path="Qwen/Qwen3-0.6B",
        target_modules=("q_proj", "v_proj"),
        learning_rate=1e-5,
    )
    save_recipe(recipe, tmp_path / "recipe.yaml")

    assert read_recipe(tmp_path / "recipe.yaml") == recipe.model_dump(mode="json")


def test_a_recipe_as_people_write_it(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(
        "---\n"
        "# for the small machine\n"
        "learning_rate: 1e-4   # ten times less\n"
        "num_train_epochs: 5\n"
        "bf16: true\n"
        "lr_scheduler_type: 'linear'\n"
        'target_modules: ["q_proj", v_proj]\n'
        "warmup_steps:\n"
        "\n",
        encoding="utf-8",
    )

    assert read_recipe(path) == {
        "learning_rate": 1e-4,
        "num_train_epochs": 5,
        "bf16": True,
        "lr_scheduler_type": "linear",
        "target_modules": ["q_proj", "v_proj"],
        "warmup_steps": None,
    }


def test_rewards_are_written_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    rewards = '[{"name": "format", "pattern": "[a-z], #[0-9]"}, {"name": "length", "most": 9}]'
    path.write_text(f"method: grpo\nrewards: {rewards}\n", encoding="utf-8")

    assert read_recipe(path) == {"method": "grpo", "rewards": json.loads(rewards)}
    assert read_change(f"rewards={rewards}") == ("rewards", json.loads(rewards))
    with pytest.raises(ValueError, match="written in JSON on one line"):
        read_change("rewards=[{name: length}]")


def test_json_is_a_recipe_too(tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"r": 8}', encoding="utf-8")

    assert read_recipe(tmp_path / "recipe.json") == {"r": 8}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("r: 8\nr: 9\n", "line 2: r stands there twice"),
        ("lora:\n  r: 8\n", "line 2: is not a 'name: value' line"),
        ("- r\n", "line 1: is not a 'name: value' line"),
        ("just words\n", "line 1"),
        ('{"r": ', "is not JSON"),
    ],
)
def test_what_is_no_recipe_is_named_by_its_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(ValueError, match=said):
        read_recipe(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(b"r: \xff\xfe")

    with pytest.raises(ValueError, match="not text in UTF-8"):
        read_recipe(path)


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("r=8", ("r", 8)),
        ("learning_rate=1e-4", ("learning_rate", 1e-4)),
        ("bf16=true", ("bf16", True)),
        ("target_modules=[q_proj,v_proj]", ("target_modules", ["q_proj", "v_proj"])),
        ("lr_scheduler_type=linear", ("lr_scheduler_type", "linear")),
        ("name=a=b", ("name", "a=b")),
    ],
)
def test_a_change_is_a_name_and_a_value(text: str, change: tuple[str, Value]) -> None:
    assert read_change(text) == change


@pytest.mark.parametrize("text", ["r", "=8", ""])
def test_what_is_no_change_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="key=value"):
        read_change(text)
