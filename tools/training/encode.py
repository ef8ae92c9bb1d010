"""Turn conversations into tokens and labels, the answer alone in the loss.

A row is rendered once with the tokenizer's chat template and tokenised once; the tokens that hold
characters of an assistant's turn are in the loss. `prompt_text` is what a model is asked with
later, in its own template; for most templates that is the text a turn begins after here.

A template that lets a model think first is told not to, where the row's answers hold no thoughts:
else a base would think aloud until it is cut, and the comparison be won by whoever does not.

Plain text is tokenised as it stands, closed by the end-of-sequence token, and is wholly in the
loss. A tokenizer without a chat template gets the turns joined by line breaks, and the last answer
alone is in the loss.

Not covered: images, tools in the template, packing several rows into one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tools.data.conversation import Conversation, Message
from tools.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

IGNORED = -100  # the label torch's cross-entropy leaves out
_THOUGHTS_END = "</think>"  # by which chat templates tell thoughts from an answer


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """One row as tokens. `labels` is as long as `input_ids`, -100 where no loss is taken."""

    row: int
    input_ids: list[int]
    labels: list[int]


def encode(
    conversations: Iterable[Conversation], tokenizer: PreTrainedTokenizerBase
) -> list[EncodedRow]:
    """Return each conversation as tokens and labels, whole however long it is.

    Raises:
        ModelError: The tokenizer cannot say where its tokens start, or its template fails.
    """
    if not tokenizer.is_fast:
        raise ModelError(
            "The model's tokenizer has no tokenizer.json, so the answer's tokens cannot be told "
            "from the question's. Use a model with a fast tokenizer."
        )
    template = training_template(tokenizer)
    return [_encode_row(one, tokenizer, template) for one in conversations]


def training_template(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Return the chat template to train with: TRL's repaired one where it has one.

    Some published templates drop or rewrite earlier turns, which puts the loss on other tokens
    than the model will write. TRL ships corrected twins for the known families.
    """
    from trl.chat_template_utils import get_training_chat_template

    template = _own_template(tokenizer)
    if template is None:
        return None
    try:
        return get_training_chat_template(tokenizer) or template
    except ValueError:  # a template TRL does not know; prove_masks judges it row by row
        return template


def prompt_text(
    messages: Sequence[Message], tokenizer: PreTrainedTokenizerBase, *, thinking: bool = False
) -> str:
    """Return the text a model is given before it answers `messages`.

    Args:
        messages: The turns before the answer.
        tokenizer: The model's, with its chat template.
        thinking: Whether the template may let the model think first; see `has_thoughts`.
    """
    template = _own_template(tokenizer)
    if template is None:
        return "".join(f"{message.content}\n" for message in messages)
    return _render(messages, tokenizer, template, asks=True, thinking=thinking)


def has_thoughts(conversation: Conversation) -> bool:
    """Return whether an answer of `conversation` begins with thoughts, which are to be learned."""
    return any(_THOUGHTS_END in one.content for one in conversation.messages if _answers(one))


def _own_template(tokenizer: PreTrainedTokenizerBase) -> str | None:
    template: Any = tokenizer.chat_template
    if isinstance(template, dict):
        template = template.get("default")
    return template if isinstance(template, str) else None


def _encode_row(
    conversation: Conversation, tokenizer: PreTrainedTokenizerBase, template: str | None
) -> EncodedRow:
    if conversation.plain_text:
        ids = [*_tokens(conversation.answer, tokenizer)["input_ids"], *_end(tokenizer)]
        return EncodedRow(conversation.row, ids, list(ids))
    text, spans = _answer_spans(conversation, tokenizer, template)
    tokens = _tokens(text, tokenizer)
    ids, offsets = tokens["input_ids"], tokens["offset_mapping"]
    labels = [
        token if any(start < last and end > first for first, last in spans) else IGNORED
        for token, (start, end) in zip(ids, offsets, strict=True)
    ]
    if template is None:
        ids, labels = [*ids, *_end(tokenizer)], [*labels, *_end(tokenizer)]
    return EncodedRow(conversation.row, ids, labels)


def _answer_spans(
    conversation: Conversation, tokenizer: PreTrainedTokenizerBase, template: str | None
) -> tuple[str, list[tuple[int, int]]]:
    """Return the rendered text and where in it (in characters) the assistant's turns stand."""
    messages = conversation.messages
    if template is None:
        prompt = prompt_text(messages[:-1], tokenizer)
        text = prompt + messages[-1].content
        return text, [(len(prompt), len(text))]
    render = partial(
        _render, tokenizer=tokenizer, template=template, thinking=has_thoughts(conversation)
    )
    text = render(messages)
    spans = []
    for index, message in enumerate(messages):
        if not _answers(message):
            continue
        prompt = render(messages[:index], asks=True)
        upto = render(messages[: index + 1])
        # A template that rewrites earlier turns has no stable place for them: only turns that
        # stand in the whole text as they stood when they were written are trained.
        if text.startswith(prompt) and text.startswith(upto) and upto.startswith(prompt):
            # The line break that templates put behind the end-of-turn token is not the model's.
            spans.append((len(prompt), len(upto.rstrip())))
    return text, spans


def _answers(message: Message) -> bool:
    return message.role == "assistant"


def _render(
    messages: Sequence[Message],
    tokenizer: PreTrainedTokenizerBase,
    template: str,
    *,
    asks: bool = False,
    thinking: bool,
) -> str:
    """Return `messages` as text; one that `asks` ends where the answer begins."""
    from jinja2 import TemplateError

    # Templates without such a setting never look at it.
    settings: dict[str, Any] = {} if thinking else {"enable_thinking": False}
    try:
        text = tokenizer.apply_chat_template(
            [message.model_dump() for message in messages],
            chat_template=template,
            tokenize=False,
            add_generation_prompt=asks,
            **settings,
        )
    except (TemplateError, TypeError, ValueError) as error:
        roles = ", ".join(message.role for message in messages) or "none"
        raise ModelError(
            f"The model's chat template cannot render turns of the roles {roles}: {error}"
        ) from error
    return str(text)


def _tokens(text: str, tokenizer: PreTrainedTokenizerBase) -> Any:
    # The template writes special tokens itself; adding them again would double the first one.
    return tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)


def _end(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    end = tokenizer.eos_token_id
    return [end] if isinstance(end, int) else []
