"""Take the loss of each token as often as its answer weighs.

The loss is the weighted mean over all tokens of a step: an answer of weight 2 counts as if its
tokens stood there twice, one of weight 0 as if it were masked.

Not covered: taking the loss in chunks. The scores of a whole batch are held in memory at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tools.training.encode import IGNORED, EncodedRow

Collator = Callable[[list[dict[str, Any]]], dict[str, Any]]


@dataclass(frozen=True)
class WeighingCollator:
    """Makes a batch as `collate` does, with the weights of its tokens beside their labels."""

    collate: Collator

    def __call__(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the rows as one batch of tensors."""
        import torch

        batch = self.collate(rows)
        weights = torch.zeros(batch["labels"].shape, dtype=torch.float32)
        for place, row in enumerate(rows):
            weights[place, : len(row["weights"])] = torch.tensor(row["weights"])
        return {**batch, "weights": weights}


def columns_of(rows: Sequence[EncodedRow], *, weighed: bool) -> dict[str, list[Any]]:
    """Return the columns of a dataset to train on, with the weights where any row has some."""
    columns: dict[str, list[Any]] = {
        "input_ids": [row.input_ids for row in rows],
        "labels": [row.labels for row in rows],
    }
    if weighed:
        columns["weights"] = [row.weights or _equal_weights(row) for row in rows]
    return columns


def _equal_weights(row: EncodedRow) -> list[float]:
    return [0.0 if label == IGNORED else 1.0 for label in row.labels]


def weighted_loss(
    model: Any, inputs: dict[str, Any], return_outputs: bool, total: Any = None
) -> Any:
    """Return the loss of a batch, and the model's outputs where they are asked for.

    Args:
        model: The model in training.
        inputs: A batch of `WeighingCollator`.
        return_outputs: Whether the outputs are returned too.
        total: The weights of all tokens of the step; those of this batch when left out.
    """
    import torch

    given = {name: value for name, value in inputs.items() if name not in ("labels", "weights")}
    outputs = model(**given, use_cache=False)
    labels, weights = inputs["labels"][:, 1:], inputs["weights"][:, 1:]
    scores = outputs.logits[:, :-1]
    losses = torch.nn.functional.cross_entropy(
        scores.reshape(-1, scores.shape[-1]).float(),
        labels.reshape(-1),
        ignore_index=IGNORED,
        reduction="none",
    )
    whole = weights.sum() if total is None else total
    loss = (losses * weights.reshape(-1)).sum() / whole
    return (loss, outputs) if return_outputs else loss
