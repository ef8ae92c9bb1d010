"""What an assistant thinks before it answers, wherever a dataset has put it.

Some datasets keep thoughts in a field of their own, others between `<think>` and `</think>` at the
start of the answer. Both mean the same: here they are told apart from the answer, and a recipe says
whether they are learned or dropped.

Not covered: thoughts without an opening tag, or in the middle of an answer. They are part of it.
"""

from typing import Literal

from tools.data.conversation import Conversation, Message

Thoughts = Literal["keep", "drop"]

_BEGIN, _END = "<think>", "</think>"


def split_thoughts(message: Message) -> tuple[str, str]:
    """Return what an assistant's turn thinks, and its text without that."""
    inline, answer = _inline(message.content)
    own = message.reasoning_content.strip()
    parts = [own] if inline == own else [own, inline]
    return "\n".join(part for part in parts if part), answer


def written_inline(thoughts: str, answer: str) -> str:
    """Return the text of a turn with its thoughts in front, between their tags."""
    return f"{_BEGIN}\n{thoughts}\n{_END}\n\n{answer}" if thoughts else answer


def has_thoughts(conversation: Conversation) -> bool:
    """Return whether an answer of `conversation` begins with thoughts, which are to be learned."""
    # Chat templates tell thoughts by the closing tag alone, and have to be asked accordingly.
    return any(
        bool(one.reasoning_content.strip()) or _END in one.content
        for one in conversation.messages
        if one.role == "assistant"
    )


def without_thoughts(conversation: Conversation) -> Conversation:
    """Return `conversation` with the answers alone."""
    if not has_thoughts(conversation) or conversation.plain_text:
        return conversation
    messages = tuple(_answer_alone(message) for message in conversation.messages)
    return conversation.model_copy(update={"messages": messages})


def _answer_alone(message: Message) -> Message:
    if message.role != "assistant":
        return message
    answer = split_thoughts(message)[1]
    return message.model_copy(update={"reasoning_content": "", "content": answer})


def _inline(content: str) -> tuple[str, str]:
    begun = content.lstrip()
    thoughts, closed, answer = begun.removeprefix(_BEGIN).partition(_END)
    if not closed or not begun.startswith(_BEGIN):
        return "", content
    return thoughts.strip(), answer.lstrip()
