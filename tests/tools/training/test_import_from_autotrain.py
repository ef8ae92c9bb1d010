from tests.tools.training.import_reports import (
    ANYWAY,
    COLUMNS,
    FILES,
    HALF,
    NOT_QUANTISED,
    PUBLISHED,
    RECORDED,
    assumed,
    left_out,
)
from tools.training.import_recipe import ImportedRecipe, import_recipe
from tools.training.recipe import Recipe


def test_a_recipe_of_autotrain_is_imported_with_what_became_of_each_name() -> None:
    imported = import_recipe(FILES / "autotrain_dpo.yaml")

    assert imported == ImportedRecipe(
        tool="autotrain",
        recipe=Recipe(
            model_name_or_path="org/chat-model",
            method="dpo",
            beta=0.3,
            r=16,
            lora_alpha=32,
            lora_dropout=0.05,
            target_modules=("q_proj", "v_proj"),
            learning_rate=3e-5,
            lr_scheduler_type="linear",
            warmup_steps=0.1,
            num_train_epochs=3,
            per_device_train_batch_size=2,
            gradient_accumulation_steps=4,
            max_length=1024,
            chat_template="zephyr",
        ),
        dataset="org/preference-pairs",
        understood={
            "task": ANYWAY,
            "base_model": "model_name_or_path",
            "data.path": "dataset",
            "data.chat_template": "chat_template",
            "params.trainer": "method",
            "params.block_size": "max_length",
            "params.dpo_beta": "beta",
            "params.epochs": "num_train_epochs",
            "params.batch_size": "per_device_train_batch_size",
            "params.lr": "learning_rate",
            "params.peft": ANYWAY,
            "params.target_modules": "target_modules",
            "params.optimizer": ANYWAY,
            "params.scheduler": "lr_scheduler_type",
            "params.gradient_accumulation": "gradient_accumulation_steps",
        },
        changed={"params.quantization": NOT_QUANTISED, "params.mixed_precision": HALF},
        ignored={
            "project_name": "The studio names a run.",
            "log": RECORDED,
            "backend": "The studio trains on this machine.",
            "data.train_split": COLUMNS,
            "data.column_mapping": COLUMNS,
            "params.model_max_length": "block_size is the length of a row.",
            "params.max_prompt_length": "max_length counts question and answer.",
            "params.padding": "Nothing is padded.",
            "hub.username": PUBLISHED,
            "hub.token": PUBLISHED,
            "hub.push_to_hub": PUBLISHED,
        },
        assumed={
            "long_rows": left_out("AutoTrain"),
            **assumed(
                "AutoTrain",
                {
                    "r": 16,
                    "lora_alpha": 32,
                    "lora_dropout": 0.05,
                    "warmup_steps": 0.1,
                    "weight_decay": 0.0,
                    "max_grad_norm": 1.0,
                    "seed": 42,
                },
            ),
        },
    )


def test_what_autotrain_would_take_is_taken_where_its_file_says_nothing() -> None:
    imported = import_recipe(FILES / "autotrain_sft.yaml")

    assert imported.recipe == Recipe(
        model_name_or_path="org/base",
        r=16,
        lora_alpha=32,
        lora_dropout=0.05,
        learning_rate=1e-4,
        lr_scheduler_type="linear",
        warmup_steps=0.1,
        num_train_epochs=1,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=4,
        max_length=1024,
        bf16=True,
    )
    assert imported.changed == {
        "task": "The answers alone are learned; AutoTrain learns the questions, too."
    }
    assert imported.assumed["max_length"] == "1024: AutoTrain's rows without block_size."
