"""Prove that a model treats the rows of a padding-free batch as if each stood alone.

Two short rows are read together and one by one, as the model is published; what it says of every
token has to be the same. A model that mixes rows otherwise than by attention, or scores its words
in a way of its own, fails, and is trained on padded rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools.training.encode import EncodedRow
from tools.training.padding_free import make_batch, token_losses
from tools.training.row_attention import ROW_ATTENTION, register_row_attention

_TOKENS = 48  # of a row in the proof; longer ones are cut
# Of the losses' spread. Another order of adding in bfloat16 moves them by about a hundredth.
_TOLERANCE = {"torch.float32": 1e-3, "torch.bfloat16": 0.1, "torch.float16": 0.05}


def use_row_attention(model: Any, rows: Sequence[EncodedRow]) -> str | None:
    """Let `model` read padding-free batches, if it does so faithfully.

    Args:
        model: A causal language model, without an adapter or with one.
        rows: Some of the rows to train on.

    Returns:
        Why not, in words; None when it does from now on. The model is then called with
        `row_lengths`, and can generate within `attending_as` alone.
    """
    import torch

    register_row_attention()
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    usual = base.config._attn_implementation
    some = [_shortened(row) for row in sorted(rows, key=lambda row: len(row.input_ids))[-2:]]
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            alone = torch.cat([_alone(base, row) for row in some])
            base.set_attn_implementation(ROW_ATTENTION)
            together = token_losses(model, make_batch(some, str(model.device)))
    except Exception as error:
        base.set_attn_implementation(usual)
        return f"its code does not read rows that way ({type(error).__name__})"
    finally:
        model.train(was_training)
    allowed = _TOLERANCE.get(str(base.dtype), 0.1) * max(1.0, float(alone.std()))
    if float((alone - together).abs().max()) > allowed:
        base.set_attn_implementation(usual)
        return "it answers otherwise when rows stand one behind the other"
    return None


def _shortened(row: EncodedRow) -> EncodedRow:
    ids = row.input_ids[:_TOKENS]
    return EncodedRow(row.row, ids, list(ids))


def _alone(base: Any, row: EncodedRow) -> Any:
    import torch

    ids = torch.tensor([row.input_ids], device=base.device)
    scores = base(input_ids=ids, use_cache=False).logits[0, :-1].float()
    return torch.nn.functional.cross_entropy(scores, ids[0, 1:], reduction="none")
