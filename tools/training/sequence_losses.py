"""The log-probability of whole sequences, as preference methods need it of a reference.

Not covered: gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools.training.encode import EncodedRow
from tools.training.methods.method import Part
from tools.training.padding_free import make_batch, padded_token_losses, token_losses
from tools.training.step_order import cut_step


def sequence_log_probabilities(
    model: Any, rows: Sequence[EncodedRow], *, most_tokens: int, padded: bool
) -> list[float]:
    """Return the log-probability of each row's predicted tokens together.

    Args:
        model: Asked as it is.
        rows: Read in parts, whatever their order.
        most_tokens: Of a part.
        padded: Whether the model reads padded rows only.
    """
    import torch

    found = [0.0] * len(rows)
    for places in cut_step([len(row.input_ids) for row in rows], most_tokens, padded=padded):
        batch = make_batch([rows[place] for place in places], str(model.device))
        with torch.no_grad():
            losses = (padded_token_losses if padded else token_losses)(model, batch)
        part = Part((), batch, losses)
        for place, value in zip(places, part.log_probabilities().tolist(), strict=True):
            found[place] = value
    return found
