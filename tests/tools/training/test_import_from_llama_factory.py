from tests.tools.training.import_reports import (
    ANYWAY,
    BROUGHT_IN,
    FILES,
    HALF,
    LOOKS,
    NOT_QUANTISED,
    ONE_DEVICE,
    PACKED,
    PLACE,
    RECORDED,
    SPLIT,
    assumed,
    left_out,
)
from tools.training.import_recipe import ImportedRecipe, import_recipe
from tools.training.recipe import Recipe


def test_a_recipe_of_llama_factory_is_imported_with_what_became_of_each_name() -> None:
    imported = import_recipe(FILES / "llama_factory_sft.yaml")

    assert imported == ImportedRecipe(
        tool="llama-factory",
        recipe=Recipe(
            model_name_or_path="Qwen/Qwen2.5-0.5B-Instruct",
            method="sft",
            r=16,
            lora_alpha=32,
            target_modules="all-linear",
            learning_rate=1e-4,
            lr_scheduler_type="cosine",
            warmup_steps=0.1,
            num_train_epochs=3,
            per_device_train_batch_size=2,
            gradient_accumulation_steps=4,
            max_length=4096,
            chat_template="qwen",
            bf16=True,
        ),
        dataset="support_requests",
        understood={
            "model_name_or_path": "model_name_or_path",
            "model_revision": ANYWAY,
            "stage": "method",
            "do_train": ANYWAY,
            "finetuning_type": ANYWAY,
            "lora_rank": "r",
            "lora_target": "target_modules",
            "dataset": "dataset",
            "template": "chat_template",
            "cutoff_len": "max_length",
            "per_device_train_batch_size": "per_device_train_batch_size",
            "gradient_accumulation_steps": "gradient_accumulation_steps",
            "learning_rate": "learning_rate",
            "num_train_epochs": "num_train_epochs",
            "lr_scheduler_type": "lr_scheduler_type",
            "warmup_ratio": "warmup_steps",
            "bf16": "bf16",
        },
        changed={
            "max_samples": "All rows of the dataset are trained on.",
            "packing": f"{PACKED} where LLaMA-Factory fills each with rows up to the length.",
        },
        ignored={
            "trust_remote_code": "A model's own code is never run.",
            "overwrite_cache": BROUGHT_IN,
            "preprocessing_num_workers": BROUGHT_IN,
            "output_dir": PLACE,
            "logging_steps": "A hundred losses are told over a run.",
            "save_steps": LOOKS,
            "plot_loss": "The studio draws the loss.",
            "overwrite_output_dir": PLACE,
            "report_to": RECORDED,
            "ddp_timeout": ONE_DEVICE,
            "deepspeed": ONE_DEVICE,
            "val_size": SPLIT,
            "eval_strategy": LOOKS,
        },
        assumed={
            "lora_alpha": "32: LLaMA-Factory takes twice the rank.",
            "long_rows": left_out("LLaMA-Factory"),
            **assumed(
                "LLaMA-Factory",
                {"lora_dropout": 0.0, "weight_decay": 0.0, "max_grad_norm": 1.0, "seed": 42},
            ),
        },
    )


def test_what_cannot_be_kept_of_llama_factory_is_told_with_what_is_done_instead() -> None:
    imported = import_recipe(FILES / "llama_factory_simpo.yaml")

    assert imported.recipe == Recipe(
        model_name_or_path="org/base@v1.2",
        method="simpo",
        beta=2.0,
        simpo_gamma=1.0,
        r=8,
        lora_alpha=16,
        target_modules=("q_proj", "v_proj"),
        learning_rate=5e-5,
        lr_scheduler_type="linear",
        warmup_steps=0.05,
        num_train_epochs=2,
        per_device_train_batch_size=8,
        gradient_accumulation_steps=1,
        max_length=2048,
    )
    assert imported.dataset == "pairs"
    assert imported.changed == {
        "quantization_bit": NOT_QUANTISED,
        "dataset": "Of 2 datasets the first is named; bring them in as one.",
        "template": "CrewTune has no qwen3; the model's own is used.",
        "max_steps": "The run ends after num_train_epochs, not at a step.",
        "warmup_steps": "20 of 400 steps become that share of the run, however long it is.",
        "num_train_epochs": "1.5 become 2: a run goes over all rows each time.",
        "optim": "CrewTune has no paged_adamw_8bit; AdamW keeps its moments in float32.",
        "lr_scheduler_type": "CrewTune has no polynomial; linear is taken.",
        "neftune_noise_alpha": "No noise is added to the embeddings.",
        "fp16": HALF,
    }
    assert imported.ignored == {
        "quantization_method": "The base is loaded whole.",
        "lora_rnak": "Not a known name of LLaMA-Factory; it changes nothing. Is lora_rank meant?",
    }
