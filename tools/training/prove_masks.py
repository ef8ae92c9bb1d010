"""Prove, before the first step, that the loss sees every answer and its end.

A row whose labels are all masked teaches nothing while the loss curve looks healthy; a row whose
end-of-turn token is outside the loss teaches the model never to stop; a template that begins an
answer otherwise in training than in use teaches what is never asked. Each is refused here, with
the row and what to do, rather than found after training.

Not covered: whether the answer is any good.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from tools.errors import TrainingError
from tools.training.chat_templates import fitting_templates
from tools.training.encode import IGNORED, EncodedRow, Fault
from tools.training.end_of_turn import Eos, closing_token, may_end_a_turn
from tools.training.fit_rows import LongRows, fit_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_LISTED = 20
_FAULTS: dict[Fault, str] = {
    "not_as_asked": "the chat template writes something else before the answer than it does when "
    "the model is asked, so what is learned would never be used",
    "tool_call": "the chat template leaves out the call of a tool, so it would not be learned",
    "thoughts": "the chat template leaves out what the answer thinks first, so it would not be "
    "learned",
    "turn": "the chat template leaves out a turn, so the answer would be learned without it",
    "tools": "the chat template leaves out the tools that may be called",
}


class MaskProof(BaseModel):
    """Every row has tokens in the loss, and its end-of-turn token is among them."""

    model_config = ConfigDict(frozen=True)

    rows: int
    rows_too_long: int = Field(description="Rows left out for their length.")
    first_too_long: tuple[int, ...] = Field(description="The numbers of the first 20 of them.")
    rows_cut: int = Field(default=0, description="Rows of which the end was cut off.")
    rows_cut_in_answer: int = Field(default=0, description="Those cut within an answer.")
    answers_rewritten: int = Field(
        default=0, description="Earlier answers the template rewrites; they are not in the loss."
    )
    tokens: int = Field(description="Tokens of the rows that stay.")
    tokens_in_loss: int
    longest_tokens: int
    median_tokens: int
    end_of_turn: tuple[str, ...] = Field(description="Tokens that end an answer.")


def prove_masks(
    rows: Sequence[EncodedRow],
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int,
    eos: Eos = None,
    long_rows: LongRows = "leave_out",
) -> MaskProof:
    """Check every row that will be trained on.

    Args:
        rows: Encoded rows.
        tokenizer: Names the tokens in the proof.
        max_length: What becomes of longer rows (in tokens), `long_rows` says.
        eos: The ids at which the model stops, from its generation config.
        long_rows: As in the recipe.

    Raises:
        TrainingError: A row would not teach its answer and its end as it will be asked for.
    """
    kept = fit_rows(rows, max_length, long_rows)
    if not kept:
        raise TrainingError(
            f"All {len(rows)} rows are longer than {max_length} tokens. Raise max_length."
        )
    ends = _ends(kept, tokenizer, may_end_a_turn(tokenizer, eos))
    lengths = sorted(len(row.input_ids) for row in kept)
    too_long = [row.row for row in rows if len(row.input_ids) > max_length]
    left_out = too_long if long_rows == "leave_out" else []
    return MaskProof(
        rows=len(kept),
        rows_too_long=len(left_out),
        first_too_long=tuple(left_out[:_LISTED]),
        rows_cut=sum(row.cut_from > 0 for row in kept),
        rows_cut_in_answer=sum(row.cut_in_answer for row in kept),
        answers_rewritten=sum(row.answers_rewritten for row in kept),
        tokens=sum(lengths),
        tokens_in_loss=sum(label != IGNORED for row in kept for label in row.labels),
        longest_tokens=lengths[-1],
        median_tokens=lengths[len(lengths) // 2],
        end_of_turn=tuple(sorted(str(tokenizer.convert_ids_to_tokens(end)) for end in ends)),
    )


def _ends(
    rows: Sequence[EncodedRow], tokenizer: PreTrainedTokenizerBase, enders: frozenset[int]
) -> set[int]:
    """Return the tokens that end the answers of `rows`, each of which teaches what it should."""
    for row in rows:
        problem = problem_of_row(row, tokenizer, enders)
        if problem is not None:
            raise TrainingError(problem)
    closing = (closing_token(row, tokenizer, enders) for row in rows)
    ends = {end for end in closing if end is not None}
    if not ends:
        raise TrainingError(
            f"All {len(rows)} rows are cut within their answers, so the model would never learn "
            "to stop. Raise max_length."
        )
    return ends


def problem_of_row(
    row: EncodedRow, tokenizer: PreTrainedTokenizerBase, enders: frozenset[int]
) -> str | None:
    """Return why `row` must not be trained on and what to do, or None.

    Args:
        row: As it would be trained on.
        tokenizer: The one it was encoded with.
        enders: What `may_end_a_turn` returns.
    """
    return next(_problems(row, tokenizer, enders), None)


def _problems(
    row: EncodedRow, tokenizer: PreTrainedTokenizerBase, enders: frozenset[int]
) -> Iterator[str]:
    if row.fault is not None:
        yield f"Row {row.row}: {_FAULTS[row.fault]}. {_another_template(tokenizer)}"
    if all(label == IGNORED or label in enders for label in row.labels):
        yield (
            f"Row {row.row} has no token in the loss, so nothing could be learnt from it. Its "
            "answer is empty or weighs nothing, or the chat template leaves it out. Remove the "
            "row, or choose another chat_template in the recipe."
        )
    if not row.cut_in_answer and closing_token(row, tokenizer, enders) is None:
        yield (
            f"Row {row.row}: the token that ends the answer is not in the loss, so the model "
            f"would never learn to stop. {_another_template(tokenizer)} A row of segments has to "
            "end with that token, in the loss."
        )
    if begins_twice(row, tokenizer):
        yield (
            f"Row {row.row} begins twice with {tokenizer.bos_token}. Remove it from the start of "
            "the text, or choose another chat_template in the recipe."
        )
    if ends_twice(row, enders):
        yield (
            f"Row {row.row}: an answer ends twice. Remove the end-of-turn token from the end of "
            "the answer's text; it is put there when the row is turned into tokens."
        )


def begins_twice(row: EncodedRow, tokenizer: PreTrainedTokenizerBase) -> bool:
    """Return whether the row begins with two beginning-of-sequence tokens."""
    begin = tokenizer.bos_token_id
    return isinstance(begin, int) and row.input_ids[:2] == [begin, begin]


def ends_twice(row: EncodedRow, enders: frozenset[int]) -> bool:
    """Return whether one and the same ending stands twice behind an answer."""
    return any(one == other and one in enders for one, other in pairwise(row.labels))


def _another_template(tokenizer: PreTrainedTokenizerBase) -> str:
    names = ", ".join(fitting_templates(tokenizer))
    return f"Choose another chat_template in the recipe; {names} fit this model's vocabulary."
