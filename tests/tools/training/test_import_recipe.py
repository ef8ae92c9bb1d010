import json
from pathlib import Path

import pytest
import yaml

from tests.tools.training.import_reports import FILES, LORA, METHODS
from tools.errors import RecipeError
from tools.training.import_recipe import ImportedRecipe, import_recipe
from tools.training.read_recipe_file import read_recipe_file
from tools.training.recipe import Recipe, save_recipe


def told(path: Path) -> str:
    try:
        return import_recipe(path).model_dump_json(exclude={"recipe", "assumed"})
    except RecipeError as refusal:
        return str(refusal)


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(FILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_name_is_told_once(path: Path) -> None:
    imported = import_recipe(path)

    told = [*imported.understood, *imported.changed, *imported.ignored]
    assert len(told) == len(set(told))
    assert "not-to-be-repeated" not in imported.model_dump_json()
    assert "secret-project" not in imported.model_dump_json()


@pytest.mark.parametrize("path", sorted(FILES.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_imported_recipe_is_one_of_ours(path: Path, tmp_path: Path) -> None:
    imported = import_recipe(path)

    save_recipe(imported.recipe, tmp_path / "ours.yaml")
    again = import_recipe(tmp_path / "ours.yaml")

    assert again == ImportedRecipe(
        tool="crewtune",
        recipe=imported.recipe,
        understood={name: name for name in Recipe.model_fields},
        changed={},
        ignored={},
        assumed={},
    )


def test_our_recipes_may_use_the_names_people_know(tmp_path: Path) -> None:
    path = write(tmp_path, "base_model: tiny\nlora_r: 8\nlr: 1e-3\n")

    imported = import_recipe(path)

    assert imported.tool == "crewtune"
    assert imported.recipe == Recipe(model_name_or_path="tiny", r=8, learning_rate=1e-3)
    assert imported.understood == {
        "base_model": "model_name_or_path",
        "lora_r": "r",
        "lr": "learning_rate",
    }


LLAMA = "model_name_or_path: tiny\nfinetuning_type: lora\ndataset: rows\n"
AXOLOTL = "base_model: tiny\nadapter: lora\ndatasets: [{path: rows}]\nlearning_rate: 1e-4\n"
AUTOTRAIN = "task: llm\nbase_model: tiny\nproject_name: p\ndata: {path: rows}\n"


@pytest.mark.parametrize(
    ("text", "method"),
    [
        (LLAMA, "sft"),
        (LLAMA + "stage: kto\n", "kto"),
        (LLAMA + "stage: dpo\n", "dpo"),
        (LLAMA + "stage: dpo\npref_loss: orpo\n", "orpo"),
        (LLAMA + "stage: sft\npref_loss: orpo\n", "sft"),
        (AXOLOTL + "rl: simpo\n", "simpo"),
        (AXOLOTL + "rl: dpo\n", "dpo"),
        (AUTOTRAIN + "params: {peft: true, trainer: orpo}\n", "orpo"),
        (AUTOTRAIN.replace("llm", "llm:dpo") + "params: {peft: true}\n", "dpo"),
    ],
)
def test_methods_are_recognised(tmp_path: Path, text: str, method: str) -> None:
    assert import_recipe(write(tmp_path, text)).recipe.method == method


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("lora_target: q_proj", "target_modules", ("q_proj",)),
        ("lora_target: all", "target_modules", "all-linear"),
        ("lora_alpha: 64", "lora_alpha", 64),
        ("lora_rank: 32", "lora_alpha", 64),
        ("warmup_steps: 0.2", "warmup_steps", 0.2),
        ("warmup_steps: 0", "warmup_steps", 0.0),
        ("lr_scheduler_type: constant", "lr_scheduler_type", "constant_with_warmup"),
        ("lr_scheduler_type: cosine_with_restarts", "lr_scheduler_type", "cosine"),
        ("lr_scheduler_type: inverse_sqrt", "lr_scheduler_type", "linear"),
        ("pure_bf16: true", "bf16", True),
        ("template: gemma2", "chat_template", "gemma"),
        ("num_train_epochs: 0.1", "num_train_epochs", 1),
        ("early_stopping_steps: 4", "early_stopping_patience", 4),
        ("seed: 7", "seed", 7),
    ],
)
def test_a_value_keeps_its_meaning(tmp_path: Path, line: str, field: str, value: object) -> None:
    imported = import_recipe(write(tmp_path, f"{LLAMA}{line}\n"))

    assert getattr(imported.recipe, field) == value


@pytest.mark.parametrize(
    ("params", "length", "told"),
    [
        ("block_size: 512", 512, "understood"),
        ("block_size: 4096, model_max_length: 3000", 3000, "changed"),
        ("block_size: 4096", 2048, "changed"),
        ("block_size: -1", 1024, "understood"),
    ],
)
def test_rows_have_the_length_that_autotrain_gives_them(
    tmp_path: Path, params: str, length: int, told: str
) -> None:
    imported = import_recipe(
        write(tmp_path, f"{AUTOTRAIN}params: {{trainer: sft, peft: true, {params}}}\n")
    )

    assert imported.recipe.max_length == length
    assert "params.block_size" in getattr(imported, told)


@pytest.mark.parametrize("path", sorted(FILES.glob("*_sft.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("wrong", ["[[1]]", "{a: 1}", "-1", ".inf"])
def test_a_wrong_value_is_refused_or_told_of(path: Path, wrong: str, tmp_path: Path) -> None:
    content = read_recipe_file(path)

    said = {
        name: told(write(tmp_path, json.dumps(content | {name: yaml.safe_load(wrong)})))
        for name in content
    }

    # A block or a list of datasets is told of by what is in it.
    blocks = {name for name, value in content.items() if isinstance(value, dict | list)}
    assert {name for name in said if name not in said[name]} <= blocks


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LLAMA.replace("lora", "full"), f"finetuning_type: there is no full. {LORA}"),
        (LLAMA + "stage: ppo\n", f"stage: there is no method ppo. {METHODS}"),
        (
            LLAMA + "stage: dpo\npref_loss: ipo\n",
            "stage: there is no method dpo with ipo.",
        ),
        (LLAMA + "stage: dpo\npref_loss: kto\n", "stage: there is no method dpo with kto."),
        (LLAMA + "do_train: false\n", "do_train: the file asks for no training."),
        (LLAMA + "stage: [sft]\n", "stage: a word is wanted."),
        (LLAMA + "lora_rank: eight\n", "lora_rank: a number is wanted."),
        (LLAMA + "warmup_ratio: .nan\n", "warmup_ratio: a number is wanted."),
        (LLAMA + "warmup_steps: true\n", "warmup_steps: a number is wanted."),
        (LLAMA + "learning_rate: 5\n", "learning_rate: Input should be less than 1."),
        (LLAMA + "cutoff_len: 2\n", "cutoff_len: Input should be greater than or equal to 16."),
        (LLAMA + "bf16: perhaps\n", "bf16: Input should be a valid boolean"),
        (LLAMA + "lora_target: (a+)+$\n", "lora_target: Value error, give 'all-linear', or names"),
        (LLAMA.replace("tiny", "[a]"), "model_name_or_path: the name of a model is wanted."),
        (AXOLOTL.replace("adapter: lora\n", ""), f"adapter: there is no full fine-tuning. {LORA}"),
        (AXOLOTL + "rl: ipo\n", f"rl: there is no method ipo. {METHODS}"),
        (AXOLOTL + "rl: grpo\n", "rewards: Value error, grpo needs at least one, such as"),
        (AXOLOTL + "pretraining_dataset: [{path: a}]\n", f"pretraining_dataset: {METHODS}"),
        (
            AXOLOTL.replace("path: rows", "path: 7"),
            "datasets: a list is wanted, of datasets with a",
        ),
        (AXOLOTL.replace("[{path: rows}]", "[rows]"), "datasets: a list is wanted, of datasets"),
        (
            AXOLOTL.replace("path: rows", "path: rows, type: completion"),
            f"datasets.type: whole texts are not learned. {METHODS}",
        ),
        (
            AXOLOTL + "batch_size: 8\ngradient_accumulation_steps: 2\n",
            "batch_size: gradient_accumulation_steps says it too; keep one of them.",
        ),
        (AXOLOTL + "excess_length_strategy: x\n", "excess_length_strategy: drop, truncate or rai"),
        (AUTOTRAIN, f"params.peft: without it, this is a full fine-tune. {LORA}"),
        (AUTOTRAIN.replace("llm", "seq2seq"), "task: of AutoTrain's tasks, llm alone is there."),
        (AUTOTRAIN + "params: [peft]\n", "params: names and values are wanted below it."),
        (AUTOTRAIN + "params: {peft: true, trainer: reward}\n", "params.trainer: there is no meth"),
        (
            AUTOTRAIN + "params: {mixed_precision: fp4}\n",
            "params.mixed_precision: fp16, bf16 or",
        ),
    ],
)
def test_what_cannot_be_imported_is_refused_by_its_own_name(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(RecipeError) as refusal:
        import_recipe(write(tmp_path, text))

    assert said in str(refusal.value)


def test_all_problems_are_told_at_once_and_none_twice(tmp_path: Path) -> None:
    path = write(tmp_path, LLAMA + "stage: rm\nlora_rank: many\nlora_dropout: 2\n")

    with pytest.raises(RecipeError) as refusal:
        import_recipe(path)

    assert str(refusal.value) == (
        "The recipe of LLaMA-Factory cannot be imported. stage: there is no method rm. "
        f"{METHODS} lora_rank: a number is wanted. lora_dropout: Input should be less than 1."
    )


def test_a_recipe_that_may_be_ours_is_ours(tmp_path: Path) -> None:
    path = write(tmp_path, "base_model: tiny\nlora_r: 8\nlearning_rate: 1e-4\n")

    assert import_recipe(path).tool == "crewtune"


def test_names_of_two_tools_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "finetuning_type: lora\nadapter: lora\nlearning_rate: 1e-4\n")

    with pytest.raises(RecipeError) as refusal:
        import_recipe(path)

    assert str(refusal.value) == (
        "The recipe has names of LLaMA-Factory (finetuning_type) and Axolotl (adapter). Keep to "
        "those of one of them."
    )


def test_names_that_no_tool_has_are_refused_as_our_own_would_be(tmp_path: Path) -> None:
    path = write(tmp_path, "base_model: tiny\nlr: 1e-4\nwarp: 9\n")

    with pytest.raises(RecipeError, match="warp: "):
        import_recipe(path)
