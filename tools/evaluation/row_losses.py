"""Measure how surprised a model is by each held-out answer.

The loss of a row is the mean negative log-likelihood per token that is in the loss, so long and
short answers count alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tools.errors import EvaluationError
from tools.evaluation.batches import Clock, batches, padded
from tools.progress import NoProgress, Progress
from tools.training.encode import IGNORED, EncodedRow
from tools.training.out_of_memory import memory_told

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_TOO_LARGE = (
    "The memory is too small to measure the loss on the held-out rows. End other programs that "
    "take memory, or choose a smaller model."
)
_LOGITS_PER_BATCH = 64_000_000  # 256 MB in float32


def row_losses(
    model: PreTrainedModel | PeftModel,
    encoded: Sequence[EncodedRow],
    *,
    pad_token_id: int,
    batch_size: int = 16,
    progress: Progress | None = None,
) -> list[float]:
    """Return the loss of each row, in their order.

    Raises:
        EvaluationError: A row has no token in the loss.
    """
    for one in encoded:
        if all(label == IGNORED for label in one.labels[1:]):
            raise EvaluationError(f"Row {one.row} has no answer to take the loss of. Remove it.")
    lengths = [len(one.input_ids) for one in encoded]
    vocabulary = model.config.get_text_config().vocab_size
    affordable = _LOGITS_PER_BATCH // (max(lengths, default=1) * vocabulary)
    plan = batches(lengths, max(1, min(batch_size, affordable)))
    clock = Clock(len(plan), progress or NoProgress())
    losses = [0.0] * len(encoded)
    model.eval()
    for batch in plan:
        measured = _losses(model, [encoded[index] for index in batch], pad_token_id)
        for index, loss in zip(batch, measured, strict=True):
            losses[index] = loss
        clock.tick()
    return losses


def _losses(
    model: PreTrainedModel | PeftModel, rows: Sequence[EncodedRow], pad: int
) -> list[float]:
    import torch

    ids, mask = padded([one.input_ids for one in rows], pad, left=False)
    losses = []
    with memory_told(EvaluationError(_TOO_LARGE)), torch.inference_mode():
        logits = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device)).logits
        for one, scores in zip(rows, logits, strict=True):
            labels = torch.tensor(one.labels[1:], device=scores.device)
            seen = labels != IGNORED
            chosen = scores[: len(labels)][seen].float()
            losses.append(torch.nn.functional.cross_entropy(chosen, labels[seen]).item())
    return losses
