"""Turn conversations into tokens and labels, the answers alone in the loss.

A row is rendered once with the tokenizer's chat template and tokenised once; the tokens that hold
characters of an assistant's turn are in the loss, with the weight of that turn. `prompt_text` of
`render.py` is what a model is asked with later, in its own template; for most templates that is
the text a turn begins after here. Where it is not, the row says so in `fault`, and `prove_masks`
refuses it.

Plain text begins and ends as the tokenizer's texts do, and is wholly in the loss. Segments are
tokens of their texts as they stand, and nothing is put around them. A tokenizer without a chat
template gets `plain`.

Not covered: images, packing several rows into one. `row_encoder` keeps no row.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tools.data.conversation import Conversation, Message
from tools.errors import DatasetError, ModelError
from tools.training.chat_templates import beginning
from tools.training.render import asking_template, prompt_text, render, training_template
from tools.training.thoughts import Thoughts, split_thoughts, without_thoughts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100  # the label torch's cross-entropy leaves out
_WORD = re.compile(r"\w+")

Fault = Literal["not_as_asked", "tool_call", "thoughts", "turn", "tools"]


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """One row as tokens. `labels` is as long as `input_ids`, -100 where no loss is taken."""

    row: int
    input_ids: list[int]
    labels: list[int]
    weights: list[float] | None = None  # of the tokens in the loss; None where each is 1
    fault: Fault | None = None  # what the chat template does to this row
    answers_rewritten: int = 0  # earlier answers that the template rewrites: not in the loss
    cut_from: int = 0  # how many tokens there were, of a row that was cut
    cut_in_answer: bool = False


class _Span(NamedTuple):
    first: int
    last: int
    weight: float


def encode(
    conversations: Iterable[Conversation],
    tokenizer: PreTrainedTokenizerBase,
    *,
    thoughts: Thoughts = "keep",
) -> list[EncodedRow]:
    """Return each conversation as tokens and labels, whole however long it is.

    Raises:
        DatasetError: A row has no answer that may be learned.
        ModelError: The tokenizer cannot say where its tokens start, or its template fails.
    """
    return list(map(row_encoder(tokenizer, thoughts=thoughts), conversations))


def row_encoder(
    tokenizer: PreTrainedTokenizerBase, *, thoughts: Thoughts = "keep"
) -> Callable[[Conversation], EncodedRow]:
    """Return the function that turns one conversation into what `encode` returns for it."""
    if not tokenizer.is_fast:
        raise ModelError(
            "The model's tokenizer has no tokenizer.json, so the answer's tokens cannot be told "
            "from the question's. Use a model with a fast tokenizer."
        )
    template, begin = training_template(tokenizer), beginning(tokenizer)

    def encode_row(row: Conversation) -> EncodedRow:
        _refuse_unlearnable(row)
        if row.segments:
            return _encode_segments(row, tokenizer)
        if row.plain_text:
            return _encode_text(row, tokenizer, begin)
        told = without_thoughts(row) if thoughts == "drop" else row
        return _encode_chat(told, tokenizer, template)

    return encode_row


def _refuse_unlearnable(row: Conversation) -> None:
    """Refuse a row that a model should not learn to write."""
    if row.label is False:
        raise DatasetError(
            f"Row {row.row} is marked as a bad answer, which would be learned as if it were good. "
            "Leave such rows out of this training."
        )
    if row.steps:
        raise DatasetError(
            f"Row {row.row} holds steps that are marked right or wrong, not an answer to learn. "
            "Leave such rows out of this training."
        )
    if not row.segments and (not row.messages or row.messages[-1].role != "assistant"):
        pair = row.chosen or row.rejected
        reason = "is a preference pair" if pair else "does not end with an answer"
        raise DatasetError(
            f"Row {row.row} {reason}, so there is nothing to learn from it in this training. "
            "Leave such rows out, or end them with the assistant's answer."
        )


def _encode_segments(row: Conversation, tokenizer: PreTrainedTokenizerBase) -> EncodedRow:
    spans, at = [], 0
    for segment in row.segments:
        if segment.label:
            spans.append(_Span(at, at + len(segment.text), 1.0))
        at += len(segment.text)
    return _labelled(row.row, "".join(one.text for one in row.segments), spans, tokenizer)


def _encode_text(
    row: Conversation, tokenizer: PreTrainedTokenizerBase, begin: list[int]
) -> EncodedRow:
    end = tokenizer.eos_token_id
    ids = [
        *begin,
        *_tokens(row.answer, tokenizer)["input_ids"],
        *([end] if isinstance(end, int) else []),
    ]
    weight = row.messages[0].weight
    if weight == 0:
        return EncodedRow(row.row, ids, [IGNORED] * len(ids))
    # What a text begins with is given, never written.
    labels = [IGNORED] * len(begin) + ids[len(begin) :]
    weights = None if weight == 1 else [0.0] * len(begin) + [weight] * (len(ids) - len(begin))
    return EncodedRow(row.row, ids, labels, weights)


def _encode_chat(
    row: Conversation, tokenizer: PreTrainedTokenizerBase, template: str
) -> EncodedRow:
    text = render(row, tokenizer, template)
    learned = [index for index, one in enumerate(row.messages) if _is_learned(one)]
    spans = {}
    for index in learned:
        span = _span_of(row, index, text, tokenizer=tokenizer, template=template)
        if span is not None:
            spans[index] = span
    last = len(row.messages) - 1
    fault = _left_out(row, text, spans)
    if last in learned and (
        last not in spans or not _as_asked(row, text, tokenizer=tokenizer, template=template)
    ):
        fault = "not_as_asked"
    return _labelled(
        row.row,
        text,
        list(spans.values()),
        tokenizer,
        fault=fault,
        answers_rewritten=sum(index not in spans for index in learned if index != last),
    )


def _is_learned(message: Message) -> bool:
    return message.role == "assistant" and message.weight > 0


def _span_of(
    row: Conversation,
    index: int,
    text: str,
    *,
    tokenizer: PreTrainedTokenizerBase,
    template: str,
) -> _Span | None:
    """Return where in `text` (in characters) the answer stands, or None if it has no place."""
    prompt = render(row, tokenizer, template, upto=index, asks=True)
    upto = render(row, tokenizer, template, upto=index + 1)
    # A template that rewrites earlier turns has no stable place for them: only turns that
    # stand in the whole text as they stood when they were written are trained.
    if text.startswith(prompt) and text.startswith(upto) and upto.startswith(prompt):
        # The line break that templates put behind the end-of-turn token is not the model's.
        return _Span(len(prompt), len(upto.rstrip()), row.messages[index].weight)
    return None


def _as_asked(
    row: Conversation, text: str, *, tokenizer: PreTrainedTokenizerBase, template: str
) -> bool:
    """Return whether a model asked the question will stand where the answer begins in `text`."""
    answers = sum(one.role == "assistant" for one in row.messages)
    # A repaired template keeps the earlier turns that the published one rewrites, on purpose.
    if answers > 1 or template == asking_template(tokenizer):
        return True
    return text.startswith(prompt_text(row, tokenizer))


def _left_out(row: Conversation, text: str, spans: dict[int, _Span]) -> Fault | None:
    """Return what of `row` the template has left out of `text`, if it has."""
    names = (tool.get("function", tool) for tool in row.tools)
    for name in (one.get("name") for one in names if isinstance(one, dict)):
        if isinstance(name, str) and name not in text:
            return "tools"
    for message in row.messages:
        if message.role != "assistant" and _longest_word(message.content) not in text:
            return "turn"
    for index, span in spans.items():
        answer = text[span.first : span.last]
        if any(call.name not in answer for call in row.messages[index].tool_calls):
            return "tool_call"
    last = len(row.messages) - 1
    if last in spans and split_thoughts(row.messages[last])[0] not in text[spans[last].first :]:
        return "thoughts"
    return None


def _longest_word(text: str) -> str:
    """Return a part of `text` that no template changes, however it trims, quotes or escapes."""
    return max(_WORD.findall(text), key=len, default="")


def _labelled(
    row: int,
    text: str,
    spans: Sequence[_Span],
    tokenizer: PreTrainedTokenizerBase,
    *,
    fault: Fault | None = None,
    answers_rewritten: int = 0,
) -> EncodedRow:
    """Return `text` as tokens, those with characters of `spans` in the loss."""
    tokens = _tokens(text, tokenizer)
    ids, weights = tokens["input_ids"], _weights(tokens["offset_mapping"], spans)
    return EncodedRow(
        row,
        ids,
        [token if weight else IGNORED for token, weight in zip(ids, weights, strict=True)],
        None if {0.0, 1.0}.issuperset(weights) else weights,
        fault=fault,
        answers_rewritten=answers_rewritten,
    )


def _weights(offsets: Sequence[tuple[int, int]], spans: Sequence[_Span]) -> list[float]:
    """Return the weight of each token: that of the span it lies in, or 0."""
    weights, at = [], 0
    for start, end in offsets:
        while at < len(spans) and spans[at].last <= start:
            at += 1
        inside = at < len(spans) and start < spans[at].last and end > spans[at].first
        weights.append(spans[at].weight if inside else 0.0)
    return weights


def _tokens(text: str, tokenizer: PreTrainedTokenizerBase) -> Any:
    # The template writes special tokens itself; adding them again would double the first one.
    return tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
