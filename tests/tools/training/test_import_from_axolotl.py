from tests.tools.training.import_reports import (
    ANYWAY,
    BROUGHT_IN,
    FAST,
    FILES,
    LOOKS,
    NOT_QUANTISED,
    PACKED,
    PLACE,
    RECORDED,
    SPLIT,
    assumed,
)
from tools.training.import_recipe import ImportedRecipe, import_recipe
from tools.training.recipe import Recipe


def test_a_recipe_of_axolotl_is_imported_with_what_became_of_each_name() -> None:
    imported = import_recipe(FILES / "axolotl_sft.yaml")

    assert imported == ImportedRecipe(
        tool="axolotl",
        recipe=Recipe(
            model_name_or_path="org/tiny-base",
            r=16,
            lora_alpha=32,
            lora_dropout=0.05,
            learning_rate=2e-4,
            warmup_steps=0.05,
            weight_decay=0.01,
            num_train_epochs=1,
            per_device_train_batch_size=2,
            gradient_accumulation_steps=2,
            max_length=2048,
            chat_template="alpaca",
        ),
        dataset="org/instructions",
        understood={
            "base_model": "model_name_or_path",
            "load_in_8bit": ANYWAY,
            "load_in_4bit": ANYWAY,
            "adapter": ANYWAY,
            "lora_r": "r",
            "lora_alpha": "lora_alpha",
            "lora_dropout": "lora_dropout",
            "lora_target_linear": "target_modules",
            "lora_target_modules": ANYWAY,
            "sequence_len": "max_length",
            "gradient_accumulation_steps": "gradient_accumulation_steps",
            "micro_batch_size": "per_device_train_batch_size",
            "num_epochs": "num_train_epochs",
            "optimizer": ANYWAY,
            "lr_scheduler": "lr_scheduler_type",
            "learning_rate": "learning_rate",
            "train_on_inputs": ANYWAY,
            "bf16": "bf16, which is left to the recommendation",
            "weight_decay": "weight_decay",
            "datasets.path": "dataset",
            "datasets.type": "chat_template",
        },
        changed={
            "sample_packing": f"{PACKED} where Axolotl fills each with rows up to the length.",
            "warmup_steps": "A share of the run is wanted, not 10 steps: the rate rises in its "
            "first 5 %.",
        },
        ignored={
            "model_type": "What the model is, its own files say.",
            "strict": "All names are read, and told here.",
            "dataset_prepared_path": PLACE,
            "val_set_size": SPLIT,
            "output_dir": PLACE,
            "eval_sample_packing": "Nothing is padded.",
            "pad_to_sequence_len": "Nothing is padded.",
            "wandb_project": RECORDED,
            "tf32": FAST,
            "gradient_checkpointing": FAST,
            "flash_attention": FAST,
            "evals_per_epoch": LOOKS,
            "saves_per_epoch": LOOKS,
            "special_tokens": "The tokenizer's own are used.",
            "datasets.split": BROUGHT_IN,
        },
        assumed=assumed(
            "Axolotl",
            {"method": "sft", "long_rows": "leave_out", "max_grad_norm": 1.0, "seed": 42},
        ),
    )
    assert "bf16" not in imported.recipe.model_fields_set


def test_what_cannot_be_kept_of_axolotl_is_told_with_what_is_done_instead() -> None:
    imported = import_recipe(FILES / "axolotl_kto.yaml")

    assert imported.recipe == Recipe(
        model_name_or_path="org/tiny-base",
        method="kto",
        beta=0.2,
        r=8,
        target_modules=("q_proj", "v_proj"),
        learning_rate=5e-6,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=0.0,
        num_train_epochs=2,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=8,
        max_length=1024,
        long_rows="cut",
        early_stopping_patience=3,
        bf16=True,
    )
    assert imported.dataset == "org/judged"
    assert imported.understood["batch_size"] == "gradient_accumulation_steps"
    assert imported.understood["datasets.roles_to_train"] == ANYWAY
    assert imported.changed == {
        "datasets": "The first dataset is named; bring them in as one.",
        "adapter": NOT_QUANTISED,
        "load_in_4bit": NOT_QUANTISED,
        "chat_template": "CrewTune has no tokenizer_default_fallback_chatml; the model's own is "
        "used.",
        "early_stopping_patience": "It counts looks at the held-out loss, of which a run has "
        "eight.",
        "peft_use_dora": "A usual LoRA adapter is trained, from the beginning.",
        "datasets.train_on_eos": "The end of each answer is learned, and no other.",
    }
    assert imported.ignored == {
        "orpo_alpha": "rl_beta goes before it.",
        "warmup_ratio": "A constant rate does not rise.",
        "datasets.type": BROUGHT_IN,
    }
