"""Turn a conversation into text with a tokenizer's chat template.

Messages are given as templates expect them: tool calls in the shape of OpenAI's API, thoughts in
the field the template reads or else in front of the answer, and nothing that is empty. A template
that lets a model think first is told not to, where the row's answers hold no thoughts: else a base
would think aloud until it is cut, and the comparison be won by whoever does not.

Not covered: images.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tools.data.conversation import Conversation, Message, ToolCall
from tools.errors import ModelError
from tools.training.chat_templates import own_template, text_for
from tools.training.thoughts import has_thoughts, split_thoughts, written_inline

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# How templates of different makers read what was thought.
_THINKING_FIELD = re.compile(r"""(?:\.|\[['"])(reasoning_content|thinking)\b""")


def asking_template(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the template a model is asked in: its own, or `plain` where it has none."""
    return own_template(tokenizer) or text_for(tokenizer, "plain")


def training_template(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the chat template to train with: TRL's repaired one where it has one.

    Some published templates drop or rewrite earlier turns, which puts the loss on other tokens
    than the model will write. TRL ships corrected twins for the known families.
    """
    from trl.chat_template_utils import get_training_chat_template

    template = own_template(tokenizer)
    if template is None:
        return asking_template(tokenizer)
    try:
        return get_training_chat_template(tokenizer) or template
    except ValueError:  # a template TRL does not know; prove_masks judges it row by row
        return template


def prompt_text(conversation: Conversation, tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the text a model is given before it writes the last answer of `conversation`."""
    return render(
        conversation,
        tokenizer,
        asking_template(tokenizer),
        upto=len(conversation.messages) - 1,
        asks=True,
    )


def render(
    conversation: Conversation,
    tokenizer: PreTrainedTokenizerBase,
    template: str,
    *,
    upto: int | None = None,
    asks: bool = False,
) -> str:
    """Return the first `upto` turns as text; one that `asks` ends where an answer begins.

    Raises:
        ModelError: The template cannot render these turns.
    """
    from jinja2 import TemplateError

    messages = conversation.messages[:upto]
    # Templates without such a setting never look at it.
    thinking: dict[str, Any] = {} if has_thoughts(conversation) else {"enable_thinking": False}
    try:
        text = tokenizer.apply_chat_template(
            shown_messages(messages, template),
            tools=list(conversation.tools) or None,
            chat_template=template,
            tokenize=False,
            add_generation_prompt=asks,
            **thinking,
        )
    except (TemplateError, TypeError, ValueError) as error:
        roles = ", ".join(message.role for message in messages) or "none"
        raise ModelError(
            f"Row {conversation.row}: the model's chat template cannot render turns of the roles "
            f"{roles}: {error}. Leave such rows out, or choose another chat_template in the recipe."
        ) from error
    return str(text)


def shown_messages(messages: Sequence[Message], template: str) -> list[dict[str, Any]]:
    """Return `messages` as `template` expects them."""
    field = _THINKING_FIELD.search(template)
    return [_shown(message, field.group(1) if field else None) for message in messages]


def _shown(message: Message, thinking_field: str | None) -> dict[str, Any]:
    thoughts, answer = ("", message.content)
    if message.role == "assistant":
        thoughts, answer = split_thoughts(message)
    inline = thinking_field is None
    shown: dict[str, Any] = {
        "role": message.role,
        "content": written_inline(thoughts, answer) if inline else answer,
    }
    optional = {
        thinking_field or "": "" if inline else thoughts,
        "tool_calls": [_shown_call(call) for call in message.tool_calls],
        "tool_call_id": message.tool_call_id,
        "name": message.name,
    }
    return shown | {name: value for name, value in optional.items() if value}


def _shown_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"type": "function", "function": function} | ({"id": call.id} if call.id else {})
