"""Make a learner of a loaded model, as the recipe says: adapter, optimiser, and how it reads rows.

Not covered: quantised bases and full fine-tuning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tools.training.encode import EncodedRow
from tools.training.fuse_lora import fuse_lora
from tools.training.learner import Learner
from tools.training.load_model import LoadedModel
from tools.training.methods.method import Method
from tools.training.prove_rows import use_row_attention
from tools.training.recipe import Recipe

if TYPE_CHECKING:
    from peft import LoraConfig


def make_learner(
    loaded: LoadedModel,
    recipe: Recipe,
    method: Method,
    rows: Sequence[EncodedRow],
    tell: Callable[[str], None],
) -> Learner:
    """Return what takes the steps of `recipe`. The model of `loaded` becomes part of it.

    Args:
        loaded: The base model and its tokenizer.
        recipe: What to train with. Its seed draws the adapter's first weights.
        method: What the loss is.
        rows: Some rows to train on, to prove by that the model reads them one behind the other.
        tell: Told what is not as it could be.
    """
    import torch
    from peft import get_peft_model

    torch.manual_seed(recipe.seed)
    model = get_peft_model(loaded.model, lora_config(recipe))
    fuse_lora(model)
    refusal = use_row_attention(model, rows) if recipe.padding_free else None
    if refusal is not None:
        tell(f"Rows are padded, which is slower: with this model, {refusal}.")
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=True
    )
    return Learner(
        model,
        method,
        optimizer,
        most_tokens=recipe.per_device_train_batch_size * recipe.max_length,
        max_grad_norm=recipe.max_grad_norm,
        padded=refusal is not None or not recipe.padding_free,
        tell=tell,
    )


def lora_config(recipe: Recipe) -> LoraConfig:
    """Return PEFT's configuration of `recipe`."""
    from peft import LoraConfig

    targets = recipe.target_modules
    return LoraConfig(
        r=recipe.r,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=targets if isinstance(targets, str) else list(targets),
        task_type="CAUSAL_LM",
    )
