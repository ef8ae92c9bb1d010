"""TRL's SFTTrainer with its defaults, or with every switch that helps on this machine."""

import json
import sys
from pathlib import Path

from datasets import load_dataset
from peft import LoraConfig
from stopwatch import Stopwatch
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer


class Timer(TrainerCallback):
    """Tells the stopwatch."""

    def __init__(self, watch):
        self.watch, self.losses = watch, []

    def on_step_begin(self, *_, **__):
        """Begin."""
        self.watch.begin()

    def on_step_end(self, *_, **__):
        """End."""
        self.watch.end()

    def on_log(self, *_, logs=None, **__):
        """Keep the loss."""
        if "loss" in (logs or {}):
            self.losses.append(float(logs["loss"]))


def main(folder, setting):
    """Train on the rows in `folder`, and tell how long the steps took."""
    timer = Timer(Stopwatch())
    best = {"activation_checkpointing": False} if setting["best"] else {}
    cpu = {} if setting["gpu"] else {"use_cpu": True}
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder / "model"),
        args=SFTConfig(
            output_dir=str(folder / "trl"),
            num_train_epochs=2,
            per_device_train_batch_size=setting["batch"],
            gradient_accumulation_steps=setting["accumulation"],
            learning_rate=setting["learning_rate"],
            max_length=setting["max_length"],
            bf16=setting["bf16"],
            assistant_only_loss=True,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            **best,
            **cpu,
        ),
        train_dataset=load_dataset("json", data_files=str(folder / "rows.jsonl"), split="train"),
        processing_class=AutoTokenizer.from_pretrained(folder / "model"),
        peft_config=LoraConfig(
            r=setting["rank"], lora_alpha=setting["alpha"], target_modules="all-linear"
        ),
        callbacks=[timer],
    )
    trainer.train()
    timer.watch.tell(timer.losses)


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
