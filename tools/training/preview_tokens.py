"""Show rows as a model will read them in training: token by token, and what of it is learned.

Each row comes with the verdict of the mask proof, so that a person sees before a training what it
would be refused for. Nothing but the tokenizer is loaded.

Not covered: colours; whoever shows the tokens chooses them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, Message
from tools.errors import ToolError
from tools.hub.resolve_model import ModelSource
from tools.training.chat_templates import TemplateName, fitting_templates, own_template
from tools.training.encode import IGNORED, EncodedRow, row_encoder
from tools.training.end_of_turn import closing_token, generation_stops, may_end_a_turn
from tools.training.fit_rows import LongRows, cut_row, problem_of_length
from tools.training.load_model import load_tokenizer
from tools.training.prove_masks import begins_twice, ends_twice, problem_of_row
from tools.training.render import training_template
from tools.training.thoughts import Thoughts
from tools.training.token_text import TokenTexts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MOST_ROWS = 20
_MOST_TOKENS = 4096  # shown of a row


class PreviewToken(BaseModel):
    """One token of a row."""

    model_config = ConfigDict(frozen=True)

    text: str = Field(
        description="A character of several tokens is the text of the last; bytes that make no "
        "character are written as \\xe2."
    )
    id: int
    in_loss: bool
    weight: float = Field(description="In the loss; 0 outside it.")
    special: bool = Field(description="A marker of the vocabulary, not a piece of text.")
    cut: bool = Field(description="Beyond max_length: not read in training.")


class RowPreview(BaseModel):
    """One row as tokens, and whether it may be trained on."""

    model_config = ConfigDict(frozen=True)

    row: int
    verdict: Literal["trained", "left_out", "refused"]
    reason: str = Field(default="", description="What is wrong and what to do, where something is.")
    tokens: tuple[PreviewToken, ...] = Field(
        default=(), description="The first 4,096; none where the row cannot be turned into tokens."
    )
    length: int = Field(default=0, description="Tokens of the whole row.")
    tokens_in_loss: int = Field(default=0, description="As trained, that is after a cut.")
    cut_at: int | None = Field(default=None, description="Tokens that stay of a longer row.")
    stop_token: str | None = Field(default=None, description="The token that ends the answer.")
    stop_trained: bool = False
    prefix_preserving: bool = Field(
        default=False, description="Every answer stands where it will be asked for."
    )
    bos_doubled: bool = False
    eos_doubled: bool = False


class TokenPreview(BaseModel):
    """Rows as a model reads them in training."""

    model_config = ConfigDict(frozen=True)

    chat_template: TemplateName = Field(description="`plain` where the tokenizer has none.")
    repaired: bool = Field(description="Trained with TRL's repaired twin of the published one.")
    templates: tuple[TemplateName, ...] = Field(description="Those that fit the vocabulary.")
    max_length: int
    rows: tuple[RowPreview, ...] = Field(description="The first 20.")


def preview_tokens(
    source: ModelSource,
    rows: Iterable[Conversation] | str,
    *,
    max_length: int,
    chat_template: TemplateName = "own",
    thoughts: Thoughts = "keep",
    long_rows: LongRows = "leave_out",
) -> TokenPreview:
    """Return at most 20 rows, or a typed text, as `source` would read them in training.

    Args:
        source: The model.
        rows: Conversations; a text stands for one row of plain text.
        max_length: As in the recipe, like what follows.
        chat_template: The template to train with.
        thoughts: Whether thoughts are learned.
        long_rows: What becomes of longer rows.

    Raises:
        ModelError: The tokenizer cannot be loaded, or the template does not fit its vocabulary.
    """
    tokenizer = load_tokenizer(source, chat_template)
    encode_row = row_encoder(tokenizer, thoughts=thoughts)
    shower = _Shower(tokenizer, generation_stops(source.folder), max_length, long_rows)
    previews = []
    for one in islice(_typed(rows) if isinstance(rows, str) else rows, MOST_ROWS):
        try:
            previews.append(shower.show(encode_row(one)))
        except ToolError as error:
            previews.append(RowPreview(row=one.row, verdict="refused", reason=str(error)))
    own = own_template(tokenizer)
    return TokenPreview(
        chat_template="plain" if own is None else chat_template,
        repaired=own is not None and training_template(tokenizer) != own,
        templates=fitting_templates(tokenizer),
        max_length=max_length,
        rows=tuple(previews),
    )


def _typed(text: str) -> list[Conversation]:
    return [Conversation(messages=(Message(role="assistant", content=text),), row=1)]


class _Shower:
    """Shows encoded rows of one tokenizer at one length."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        stops: frozenset[int],
        max_length: int,
        long_rows: LongRows,
    ) -> None:
        self._tokenizer, self._texts = tokenizer, TokenTexts(tokenizer)
        self._enders = may_end_a_turn(tokenizer, stops)
        self._max_length, self._long_rows = max_length, long_rows

    def show(self, whole: EncodedRow) -> RowPreview:
        """Return `whole` with the verdict on what is trained of it."""
        length = len(whole.input_ids)
        long = length > self._max_length
        row = cut_row(whole, self._max_length) if long and self._long_rows == "cut" else whole
        verdict, reason = self._judge(whole, row)
        stop = closing_token(row, self._tokenizer, self._enders)
        return RowPreview(
            row=whole.row,
            verdict=verdict,
            reason=reason,
            tokens=self._tokens(whole),
            length=length,
            tokens_in_loss=sum(label != IGNORED for label in row.labels),
            cut_at=self._max_length if row is not whole else None,
            stop_token=None if stop is None else self._texts.of(stop),
            stop_trained=stop is not None,
            prefix_preserving=whole.fault != "not_as_asked" and not whole.answers_rewritten,
            bos_doubled=begins_twice(row, self._tokenizer),
            eos_doubled=ends_twice(row, self._enders),
        )

    def _judge(
        self, whole: EncodedRow, row: EncodedRow
    ) -> tuple[Literal["trained", "left_out", "refused"], str]:
        problem = problem_of_length(whole, self._max_length, self._long_rows) or problem_of_row(
            row, self._tokenizer, self._enders
        )
        if len(row.input_ids) > self._max_length and self._long_rows == "leave_out":
            return "left_out", (
                f"Row {row.row} has {len(row.input_ids):,} tokens, and max_length is "
                f"{self._max_length:,}. Raise max_length, shorten the row, or set long_rows to cut."
            )
        return ("trained", "") if problem is None else ("refused", problem)

    def _tokens(self, row: EncodedRow) -> tuple[PreviewToken, ...]:
        weights = row.weights or [float(label != IGNORED) for label in row.labels]
        shown = row.input_ids[:_MOST_TOKENS]
        texts = self._texts.of_row(shown)
        return tuple(
            PreviewToken(
                text=texts[place],
                id=token,
                in_loss=label != IGNORED,
                weight=weight,
                special=self._texts.special(token),
                cut=place >= self._max_length,
            )
            for place, (token, label, weight) in enumerate(
                zip(shown, row.labels, weights, strict=False)
            )
        )
