"""What a conversation asks and answers, whether it is plain, a chat or a preference pair."""

import re
import unicodedata
from collections.abc import Iterable

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
