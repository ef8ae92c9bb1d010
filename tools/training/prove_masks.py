"""Prove, before the first step, that the loss sees every answer and its end.

A row whose labels are all masked teaches nothing while the loss curve looks healthy; a row whose
end-of-turn token is outside the loss teaches the model never to stop. Both are refused here, with
the row, rather than found after training.

Not covered: whether the answer is any good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import TrainingError
from tools.training.encode import IGNORED, EncodedRow
from tools.training.end_of_turn import Eos, closing_token, may_end_a_turn

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LISTED = 20


class MaskProof(BaseModel):
    """Every row has tokens in the loss, and its end-of-turn token is among them."""

    model_config = ConfigDict(frozen=True)

    rows: int
    rows_too_long: int = Field(description="Rows left out for their length.")
    first_too_long: tuple[int, ...] = Field(description="The numbers of the first 20 of them.")
    tokens: int = Field(description="Tokens of the rows that stay.")
    tokens_in_loss: int
    longest_tokens: int
    median_tokens: int
    end_of_turn: tuple[str, ...] = Field(description="Tokens that end an answer.")


def fitting(rows: Sequence[EncodedRow], max_length: int) -> list[EncodedRow]:
    """Return the rows of at most `max_length` tokens. Cutting one would cut its answer."""
    return [row for row in rows if len(row.input_ids) <= max_length]


def prove_masks(
    rows: Sequence[EncodedRow],
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    eos: Eos = None,
) -> MaskProof:
    """Check every row that will be trained on.

    Args:
        rows: Encoded rows.
        tokenizer: Names the tokens in the proof.
        max_length: Longer rows (in tokens) are left out and named.
        eos: The ids at which the model stops, from its generation config.

    Raises:
        TrainingError: A row has no token in the loss, or its answer's end is outside it.
    """
    kept = fitting(rows, max_length)
    if not kept:
        raise TrainingError(
            f"All {len(rows)} rows are longer than {max_length} tokens. Raise max_length."
        )
    enders = may_end_a_turn(tokenizer, eos)
    ends = {_check_row(row, tokenizer, enders) for row in kept}
    lengths = sorted(len(row.input_ids) for row in kept)
    too_long = [row.row for row in rows if len(row.input_ids) > max_length]
    return MaskProof(
        rows=len(kept),
        rows_too_long=len(too_long),
        first_too_long=tuple(too_long[:_LISTED]),
        tokens=sum(lengths),
        tokens_in_loss=sum(label != IGNORED for row in kept for label in row.labels),
        longest_tokens=lengths[-1],
        median_tokens=lengths[len(lengths) // 2],
        end_of_turn=tuple(sorted(str(tokenizer.convert_ids_to_tokens(end)) for end in ends)),
    )


def _check_row(row: EncodedRow, tokenizer: PreTrainedTokenizerBase, enders: frozenset[int]) -> int:
    """Return the id of the token that ends the row's last answer."""
    if all(label == IGNORED for label in row.labels):
        raise TrainingError(
            f"Row {row.row} has no token in the loss, so nothing could be learnt from it. Its "
            "answer is empty, or the chat template leaves it out."
        )
    closing = closing_token(row, tokenizer, enders)
    if closing is None:
        raise TrainingError(
            f"Row {row.row}: the token that ends the answer is not in the loss, so the model "
            "would never learn to stop. The model's chat template closes the assistant's turn "
            "elsewhere; use a model whose template ends it with its end-of-turn token."
        )
    return closing
