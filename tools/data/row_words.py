"""The words of a row, for comparisons that ignore case, punctuation and the system prompt.

A word is a run of letters, digits and underscores; a Chinese, Japanese or Korean character is a
word by itself, because no space parts them.

Not covered: Thai, Lao and Khmer, whose words are not parted either; there a phrase is one word.
"""

import re

from tools.data.conversation import Conversation
from tools.data.conversation_text import normalised_text, texts_of

_UNPARTED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNPARTED}]|[^\W{_UNPARTED}]+")


def words_of(text: str) -> list[str]:
    """Return the words of `text` in lower case and in Unicode's compatible form."""
    return _WORD.findall(normalised_text(text))


def words_of_row(row: Conversation, *, longest: int | None = None) -> list[str]:
    """Return the words that are asked, thought and answered in `row`, in their order.

    The system prompt, the descriptions of tools and the other columns are left out: whole datasets
    share them, and rows would look alike that have nothing else in common. Of every text, the first
    `longest` characters are read.
    """
    spoken = tuple(message for message in row.messages if message.role != "system")
    bare = row.model_copy(update={"messages": spoken, "tools": (), "extra": {}})
    return [word for _, text in texts_of(bare) for word in words_of(text[:longest])]
