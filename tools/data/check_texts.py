"""Find what is wrong with the texts of a conversation, by rules that need no model.

Two of them guess: an answer counts as cut off by how it ends, and as a refusal by how it begins.
Both are therefore warnings. Texts in languages other than English, German, French, Spanish,
Italian and Portuguese are not searched for refusals.
"""

import json
import re
from collections.abc import Iterator, Sequence

from tools.data.conversation import Conversation, Message
from tools.data.conversation_text import all_turns, placeholders_in
from tools.data.row_faults import Problem

Endings = Sequence[tuple[str, tuple[Message, ...]]]
"""The turns to each end of a row, with the field that it stands in."""

LONG_ROW_CHARACTERS = 32_000

_NULLS = {"nan", "null", "none", "n/a", "#n/a", "undefined"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LOST = "\ufffd"  # what a decoder writes for bytes that it cannot read
_BEGINNING = 200
_REFUSALS = re.compile(
    r"\b(?:i(?:'m| am) (?:very |so )?sorry,? but (?:i|as an)\b"
    r"|i(?:'m| am) (?:unable|not able) to\b"
    r"|i (?:can(?:no|')t|can not|won't|will not|must decline to) "
    r"(?:help|assist|provide|fulfil|comply|answer|discuss|do that|generate|create|support|engage)"
    r"|as an? (?:ai|artificial intelligence|(?:large )?language model)\b"
    r"|es tut mir leid,? aber ich kann|ich kann (?:dabei|dir|ihnen)? ?(?:leider )?nicht helfen"
    r"|als (?:ki|sprachmodell)\b"
    r"|(?:je suis )?désolé,? mais je ne peux|en tant qu(?:e modèle|'ia)"
    r"|lo siento,? (?:pero )?no puedo|como (?:modelo de lenguaje|modelo de linguagem)"
    r"|mi dispiace,? ma non posso|come modello linguistico"
    r"|(?:sinto muito|desculpe),? (?:mas )?(?:eu )?não posso)"
)
_LONG_PROSE = 300
_ENDS_OPEN = re.compile(r"[\w,;:(\[{/&+=-]\Z")


def check_texts(row: Conversation, endings: Endings) -> Iterator[Problem]:
    """Yield what is wrong with the texts of `row`, which ends in one of `endings`."""
    for field, turns in endings:
        for number, message in enumerate(turns, start=1):
            yield from _check_turn(message, field, number)
        if turns[-1].role == "assistant":
            yield from _check_answer(turns[-1].content, field)
    for segment in row.segments:
        yield from _check_signs(segment.text, "segments", "A segment")
    names = sorted(placeholders_in(row))
    if names:
        yield "placeholder", "messages", f"Not filled in: {', '.join(names[:5])}."
    characters = sum(len(message.content) for message in all_turns(row))
    if characters > LONG_ROW_CHARACTERS:
        yield "very_long_row", "messages", f"The row has {characters:,} characters."


def refuses(answer: str) -> bool:
    """Return whether `answer` begins like that of an assistant that declines."""
    begins = answer[:_BEGINNING].replace("\u2019", "'").lower()
    return _REFUSALS.search(begins) is not None


def cut_off(answer: str) -> bool:
    """Return whether `answer` seems to stop before its end.

    A code fence is never closed, JSON ends before it is whole, or long prose ends in a word.
    """
    text = answer.strip()
    if text.count("```") % 2:
        return True
    if text[:1] in {"{", "["} and text[1:2] in {'"', "{", "[", "\n", " "}:
        return _json_ends_early(text)
    last = text.rpartition("\n")[2]
    prose = len(text) >= _LONG_PROSE and "```" not in text and last.count(" ") >= 8
    return prose and _ENDS_OPEN.search(text) is not None


def _check_turn(message: Message, field: str, number: int) -> Iterator[Problem]:
    if message.role == "user" and message.content.strip().lower() in _NULLS:
        yield "null_as_text", field, f"Turn {number} is a word for nothing, such as null or nan."
    for text in (message.content, message.reasoning_content):
        yield from _check_signs(text, field, f"Turn {number}")


def _check_signs(text: str, field: str, place: str) -> Iterator[Problem]:
    if _CONTROL.search(text):
        yield "control_characters", field, f"{place} holds control characters."
    if not text.isascii() and _misread(text):
        yield "wrong_encoding", field, f"{place} was read in a wrong encoding."


def _check_answer(answer: str, field: str) -> Iterator[Problem]:
    if answer.strip().lower() in _NULLS:
        yield "null_as_text", field, "The answer is a word for nothing, such as null or nan."
    elif refuses(answer):
        yield "refusal", field, "The answer declines to help."
    elif cut_off(answer):
        yield "cut_off_answer", field, "The answer seems to stop before its end."


def _misread(text: str) -> bool:
    if _LOST in text:
        return True
    from ftfy.badness import is_bad

    return is_bad(text)


def _json_ends_early(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:  # also of a number with too many digits for Python, which may be whole
        return text[-1] != {"{": "}", "[": "]"}[text[0]]
    except RecursionError:
        return False
    return False
