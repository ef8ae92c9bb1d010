import time
from pathlib import Path

import pytest

from tools.errors import RecipeError
from tools.training.read_recipe_file import read_recipe_file

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"


def test_names_without_a_value_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text("\ufefflr: 2e-4\ndeepspeed:\nlayers:\n  - q\n  - k\n", encoding="utf-8")

    assert read_recipe_file(path) == {"lr": "2e-4", "layers": ["q", "k"]}


def test_json_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text('{"lr": 0.001, "params": {"peft": true}}', encoding="utf-8")

    assert read_recipe_file(path) == {"lr": 0.001, "params": {"peft": True}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n- b\n", "must be a list of 'name: value' lines"),
        ("", "must be a list of 'name: value' lines"),
        ("lr: 1\nr: [\n", "cannot be read as YAML at line 3"),
        ("lr: \x00", "cannot be read as YAML"),
        ("day: 2024-13-45", "cannot be read as YAML"),
        (f"number: {'9' * 5000}", "cannot be read as YAML"),
        ("lr: !!python/object/apply:os.getcwd []", "cannot be read as YAML at line 1"),
        ("1: a\n", "must be words, of at most 100 characters"),
        (f"{'a' * 101}: 1\n", "must be words, of at most 100 characters"),
        ("lr: 1\nr: 8\nlr: 2\n", "lr stands in the recipe twice, the second time at line 3"),
        ("p: {lr: 1, lr: 2}\n", "lr stands in the recipe twice, the second time at line 1"),
        (BOMB, "refers to another of its values with * at line 2"),
        (f"a: {'[' * 30}{']' * 30}", "more than 20 deep"),
        (f"a: {'[' * 30_000}", "more than 20 deep"),
        ("".join(f"a{number}: 1\n" for number in range(600)), "more than 1,000 values"),
        ("a: " + "x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused_soon(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    started = time.process_time()

    with pytest.raises(RecipeError) as refusal:
        read_recipe_file(path)

    assert said in str(refusal.value)
    assert time.process_time() - started < 2


def test_a_file_that_is_not_there_is_told_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as refusal:
        read_recipe_file(tmp_path / "gone.yaml")

    assert str(refusal.value) == (
        "The recipe 'gone.yaml' cannot be read: No such file or directory."
    )


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(b"lr: \xff\xfe")

    with pytest.raises(RecipeError, match="is not text in UTF-8"):
        read_recipe_file(path)
