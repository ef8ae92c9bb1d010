"""Rows that a tiny model can learn: each asks for a colour and gets it."""

from tools.data.conversation import Conversation, Message

WORDS = ("red", "green", "blue", "yellow", "black", "white", "brown", "pink")


def chat(question: str, answer: str, row: int = 1) -> Conversation:
    """Return a conversation of one question and its answer."""
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Conversation(messages=messages, row=row)


def colour_chats(count: int) -> list[Conversation]:
    """Return that many different rows."""
    return [
        chat(f"Row {row}: say {WORDS[row % len(WORDS)]}.", WORDS[row % len(WORDS)], row)
        for row in range(1, count + 1)
    ]
