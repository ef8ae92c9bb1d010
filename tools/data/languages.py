"""Which languages a dataset is written in, by the library py3langid on a sample of its rows.

Rows are taken at even distances, so the same dataset gives the same shares. Short texts are passed
over: a language cannot be told by three words.

Not covered: rows that mix languages, which count as the one that prevails.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tools.data.conversation import Conversation, read_conversations
from tools.data.conversation_text import answer_of, prompt_of

_SAMPLE = 500
_WORDS = 6
_READ_CHARACTERS = 1000


def languages(path: Path, *, rows: int) -> dict[str, float]:
    """Return the share of each language (ISO 639-1), largest first; empty when none can be told.

    Args:
        path: A dataset version.
        rows: How many rows it has.

    Raises:
        DatasetError: The dataset is missing or malformed.
    """
    texts = [text for text in _texts(path, rows) if len(text.split()) >= _WORDS]
    if not texts:
        return {}
    # Its model takes seconds to unpack.
    from py3langid.langid import classify

    counts = Counter(classify(text)[0] for text in texts)
    return {name: count / len(texts) for name, count in counts.most_common()}


def _texts(path: Path, rows: int) -> Iterator[str]:
    step = max(1, rows // _SAMPLE)
    for place, row in enumerate(read_conversations(path)):
        if place % step == 0:
            yield _words(row)[:_READ_CHARACTERS]


def _words(row: Conversation) -> str:
    # Without the system message, which is often English whatever the rest is.
    asked = " ".join(one.content for one in prompt_of(row) if one.role == "user")
    return f"{asked} {answer_of(row)}"
