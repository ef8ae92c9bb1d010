"""Rows of made-up words, and light changes that leave a row nearly the same."""

import random

from tests.tools.data.rows import chat
from tools.data.conversation import Conversation

_SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]


def words(draw: random.Random, count: int) -> list[str]:
    return ["".join(draw.choices(_SYLLABLES, k=draw.randint(1, 4))) for _ in range(count)]


def long_chats(draw: random.Random, count: int, length: int = 40) -> list[Conversation]:
    """Return different rows of `length` words and 10 words of answer."""
    return [
        chat(" ".join(["4711", *words(draw, length)]), " ".join(words(draw, 10)), row)
        for row in range(1, count + 1)
    ]


def paraphrased(draw: random.Random, row: Conversation, number: int) -> Conversation:
    """Return `row` with one light change of its question, as row `number`."""
    asked = row.messages[0].content.split()
    place = draw.randrange(1, len(asked) - 1)
    changed = draw.choice(
        [
            [*asked[:place], *words(draw, 1), *asked[place + 1 :]],
            [*asked[:place], *words(draw, 1), *asked[place:]],
            [*asked[:place], *asked[place + 1 :]],
            [*asked[: place - 1], asked[place], asked[place - 1], *asked[place + 1 :]],
            [*(word.upper() + "," for word in asked[:-1]), asked[-1] + "!"],
            [str(draw.randrange(1000, 9999)), *asked[1:]],
        ]
    )
    return chat(" ".join(changed), row.messages[-1].content, number)
