"""Batches whose rows stand one behind the other, and the losses of their tokens.

Every training method is made of one thing: the log-probability of each token that is to be
written, given what stands before it in its row. Here it is taken without padding, and the scores
of the vocabulary are computed for those tokens alone, a part at a time.

Not covered: models that mix rows otherwise than by attention. `prove_rows` finds out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.training.encode import IGNORED, EncodedRow

if TYPE_CHECKING:
    from torch import Tensor

_SCORES_AT_ONCE = 2**26  # numbers; as float32 256 MiB, and three times that while training


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows one behind the other. `T` tokens, `P` of them are predicted."""

    input_ids: Tensor  # (1, T)
    position_ids: Tensor  # (1, T), from 0 in every row
    row_lengths: tuple[int, ...]
    row_starts: Tensor  # (rows + 1,) int32
    places: Tensor  # (P,) the tokens after which a predicted one stands
    targets: Tensor  # (P,) the predicted tokens
    weights: Tensor  # (P,) float32
    rows: Tensor  # (P,) the row of the batch that each stands in


def make_batch(rows: Sequence[EncodedRow], device: str = "cpu") -> Batch:
    """Return `rows` as one batch on `device`."""
    import torch

    lengths = tuple(len(row.input_ids) for row in rows)
    starts = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)
    ids = torch.tensor([token for row in rows for token in row.input_ids])
    labels = torch.tensor([token for row in rows for token in row.labels])
    row_of = torch.repeat_interleave(torch.arange(len(rows)), torch.tensor(lengths))
    predicted = labels != IGNORED
    predicted[starts[:-1].long()] = False  # nothing stands before the first token of a row
    targets = predicted.nonzero()[:, 0]
    weights = torch.tensor(
        [weight for row in rows for weight in row.weights or [1.0] * len(row.labels)]
    )
    tensors = (
        ids[None],
        (torch.arange(len(ids)) - starts[:-1].long()[row_of])[None],
        starts,
        targets - 1,
        ids[targets],
        weights[targets],
        row_of[targets],
    )
    sent = [one.to(device, non_blocking=True) for one in tensors]
    return Batch(sent[0], sent[1], lengths, *sent[2:])


def token_losses(model: Any, batch: Batch, temperature: float = 1.0) -> Tensor:
    """Return the negative log-probability of each predicted token, (P,) in float32.

    Args:
        model: Reads padding-free batches.
        batch: The rows.
        temperature: That by which the scores of the vocabulary are divided.
    """
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = base.get_decoder()(
        input_ids=batch.input_ids,
        position_ids=batch.position_ids,
        row_lengths=batch.row_lengths,
        row_starts=batch.row_starts,
        use_cache=False,
    ).last_hidden_state[0, batch.places]
    return _losses(base.get_output_embeddings(), hidden, batch.targets, temperature)


def padded_token_losses(model: Any, batch: Batch, temperature: float = 1.0) -> Tensor:
    """Return the same as `token_losses`, from padded rows and all scores the model has.

    For models that cannot read padding-free batches. It takes more time and memory.
    """
    import torch

    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    places = batch.position_ids[0]
    lengths = torch.tensor(batch.row_lengths, device=places.device)
    row_of = torch.repeat_interleave(torch.arange(len(lengths), device=places.device), lengths)
    ids = places.new_zeros((len(lengths), int(lengths.max())))
    ids[row_of, places] = batch.input_ids[0]
    mask = torch.zeros_like(ids)
    mask[row_of, places] = 1
    scores = base(input_ids=ids, attention_mask=mask, use_cache=False).logits
    predicting = scores[batch.rows, places[batch.places]].float()
    return torch.nn.functional.cross_entropy(
        predicting / temperature, batch.targets, reduction="none"
    )


def _losses(head: Any, hidden: Tensor, targets: Tensor, temperature: float) -> Tensor:
    import torch
    from torch.utils.checkpoint import checkpoint

    at_once = max(1, _SCORES_AT_ONCE // int(head.weight.shape[0]))
    if len(targets) <= at_once:
        return _losses_of_part(head, hidden, targets, temperature)
    parts = [
        checkpoint(_losses_of_part, head, some, of, temperature, use_reentrant=False)
        for some, of in zip(
            torch.split(hidden, at_once), torch.split(targets, at_once), strict=True
        )
    ]
    return torch.cat(parts)


def _losses_of_part(head: Any, hidden: Tensor, targets: Tensor, temperature: float) -> Tensor:
    from torch.nn.functional import cross_entropy

    scores = head(hidden).float()
    # A division keeps another copy of the scores for the backward pass.
    return cross_entropy(
        scores if temperature == 1 else scores / temperature, targets, reduction="none"
    )
