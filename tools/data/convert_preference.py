"""Turn a pair of a chosen and a rejected answer into the prompt they share and the two.

Both may hold the whole conversation; what they have in common is then the prompt.
"""

import re
from itertools import takewhile

from tools.data.conversation import Conversation, Message
from tools.data.convert_turns import answer_turns, prompt_turns
from tools.data.layout import Layout, Row
from tools.data.row_problem import RowRefusedError


def convert_preference(number: int, row: Row, layout: Layout) -> Conversation:
    """Return row `number`, a preference pair, as a conversation.

    Raises:
        RowRefusedError: A part is missing, both answers are equal, or there is no prompt.
    """
    chosen = answer_turns(row, layout.chosen, layout)
    rejected = answer_turns(row, layout.rejected, layout)
    if chosen == rejected:
        raise RowRefusedError(
            layout.rejected or "rejected",
            "both answers are the same",
            "Give two answers that differ.",
            "same_answers",
        )
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    prompt = _joined(prompt_turns(row, layout), chosen[:shared])
    if not prompt:
        return _from_texts_with_shared_beginning(number, chosen[-1].content, rejected[-1].content)
    return Conversation(
        messages=prompt, chosen=chosen[shared:], rejected=rejected[shared:], row=number
    )


def _from_texts_with_shared_beginning(number: int, chosen: str, rejected: str) -> Conversation:
    equal = takewhile(lambda pair: pair[0] == pair[1], zip(chosen, rejected, strict=False))
    # Cut between words: "4" and "42" share a digit, not a prompt.
    prompt = _without_last_word("".join(one for one, _ in equal))
    if not prompt.strip():
        raise RowRefusedError("prompt", "there is no prompt", "Add a column `prompt`.", "no_prompt")
    return Conversation(
        messages=(Message(role="user", content=prompt.strip()),),
        chosen=(Message(role="assistant", content=chosen[len(prompt) :]),),
        rejected=(Message(role="assistant", content=rejected[len(prompt) :]),),
        row=number,
    )


def _without_last_word(text: str) -> str:
    # Not re.sub(r"\S+\Z"): it takes quadratic time on a long word.
    spaces = [found.end() for found in re.finditer(r"\s+", text)]
    return text[: spaces[-1]] if spaces else ""


def _joined(prompt: tuple[Message, ...], shared: tuple[Message, ...]) -> tuple[Message, ...]:
    """Put together the prompt of its own column and the beginning both answers share."""
    if not shared or prompt[-len(shared) :] == shared:
        return prompt
    if shared[0].role == "assistant":
        return prompt + shared
    # The answers hold the whole conversation, and say more than a column with its first question.
    spoken = tuple(message for message in shared if message.role != "system")
    system = tuple(message for message in shared + prompt if message.role == "system")
    return system[:1] + spoken
