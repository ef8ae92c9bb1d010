"""Write a trained adapter to its folder: plain LoRA in safetensors, a card, and how it speaks.

Not covered: merging it into its base.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from tools.errors import DiskError
from tools.hub.resolve_model import ModelSource
from tools.training.guard_writing import guard_writing

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase


def write_adapter(
    model: PeftModel,
    base: ModelSource,
    target: Path,
    *,
    speech: PreTrainedTokenizerBase | None = None,
) -> None:
    """Write the adapter to `target`, complete or not at all, naming its base without a path.

    Args:
        model: The base with the adapter.
        base: Where the base came from.
        target: The adapter's folder.
        speech: A tokenizer with another chat template than the base's, to go with the adapter.
    """
    # PEFT would record the folder the base was loaded from, which means nothing elsewhere.
    model.peft_config["default"].base_model_name_or_path = base.shown
    aside = target.with_name(".adapter")
    refusal = (
        "The adapter cannot be written; the checkpoints are intact. Free some space on the disk, "
        "then go on with the run."
    )
    with guard_writing(DiskError(refusal)):
        shutil.rmtree(aside, ignore_errors=True)
        # The vocabulary never changes; to find that out, PEFT would ask the Hub for the base.
        model.save_pretrained(str(aside), save_embedding_layers=False)
        if speech is not None:
            speech.save_pretrained(str(aside))
        # In place of PEFT's empty card, which names the folder the base was loaded from.
        (aside / "README.md").write_text(_card(base), encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        aside.rename(target)


def _card(base: ModelSource) -> str:
    return (
        f"---\nbase_model: {json.dumps(base.shown)}\nlibrary_name: peft\n---\n\n"
        f"A LoRA adapter for {base.shown}. Load the base, then this folder with "
        "`PeftModel.from_pretrained`.\n"
    )
