"""What a conversation asks and answers, and every text in it, whatever kind of row it is."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator

from pydantic import JsonValue

from tools.data.conversation import Conversation, Message

# A name in double braces, as templates leave it. Not `{{ . }}` or `{{ a: 1 }}`, which are code.
_PLACEHOLDER = re.compile(r"\{\{ ?[A-Za-z_][A-Za-z0-9_ -]{0,40}\}\}")


def prompt_of(conversation: Conversation) -> tuple[Message, ...]:
    """Return the messages before the answer; of a preference pair, all that both share."""
    return conversation.messages if conversation.chosen else conversation.prompt


def answer_of(conversation: Conversation) -> str:
    """Return the text to learn; of a preference pair, the chosen one."""
    turns = conversation.chosen or conversation.messages
    return turns[-1].content if turns else ""


def all_turns(conversation: Conversation) -> tuple[Message, ...]:
    """Return every message, those of both answers of a preference pair included."""
    return conversation.messages + conversation.chosen + conversation.rejected


def normalised(messages: Iterable[Message]) -> tuple[tuple[str, str], ...]:
    """Return `messages` as a key that ignores case, white space and Unicode variants."""
    return tuple((message.role, normalised_text(message.content)) for message in messages)


def normalised_text(text: str) -> str:
    """Return `text` without the differences of case, white space and Unicode variants."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def prompt_key(conversation: Conversation) -> tuple[tuple[str, str], ...]:
    """Return what makes two prompts equal. Plain text has no prompt and is its own key."""
    return normalised(prompt_of(conversation) or conversation.messages)


def placeholders_in(conversation: Conversation) -> set[str]:
    """Return the placeholders like {{name}} that were never filled in."""
    return {
        found
        for message in all_turns(conversation)
        for found in _PLACEHOLDER.findall(message.content)
    }


def texts_of(conversation: Conversation) -> Iterator[tuple[str, str]]:
    """Yield every text of `conversation` with the field that it stands in.

    These are the contents and thoughts of turns, the arguments of their tool calls, segments,
    steps, the descriptions of tools and the other columns.
    """
    for field in ("messages", "chosen", "rejected"):
        for message in getattr(conversation, field):
            yield field, message.content
            yield from ((field, text) for text in (message.reasoning_content,) if text)
            for call in message.tool_calls:
                yield from ((field, text) for text in _strings(call.arguments))
    yield from (("segments", one.text) for one in conversation.segments)
    yield from (("steps", one.text) for one in conversation.steps)
    yield from (("tools", text) for tool in conversation.tools for text in _strings(tool))
    yield from (("extra", text) for text in _strings(conversation.extra))


def with_texts(conversation: Conversation, change: Callable[[str], str]) -> Conversation:
    """Return `conversation` with `change` applied to every text that `texts_of` yields.

    Keys of JSON objects stay. An unchanged conversation is returned as it is.
    """
    if all(change(text) == text for _, text in texts_of(conversation)):
        return conversation
    return conversation.model_copy(
        update={
            **{
                field: tuple(_changed(one, change) for one in getattr(conversation, field))
                for field in ("messages", "chosen", "rejected")
            },
            **{
                field: tuple(
                    one.model_copy(update={"text": change(one.text)})
                    for one in getattr(conversation, field)
                )
                for field in ("segments", "steps")
            },
            "tools": tuple(_mapped(tool, change) for tool in conversation.tools),
            "extra": _mapped(conversation.extra, change),
        }
    )


def _changed(message: Message, change: Callable[[str], str]) -> Message:
    calls = tuple(
        call.model_copy(update={"arguments": _mapped(call.arguments, change)})
        for call in message.tool_calls
    )
    thoughts = message.reasoning_content and change(message.reasoning_content)
    return message.model_copy(
        update={
            "content": change(message.content),
            "reasoning_content": thoughts,
            "tool_calls": calls,
        }
    )


def _strings(value: JsonValue | dict[str, JsonValue]) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _mapped(value: JsonValue, change: Callable[[str], str]) -> JsonValue:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(inner, change) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mapped(inner, change) for inner in value]
    return value
