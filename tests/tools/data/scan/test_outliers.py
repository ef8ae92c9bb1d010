"""Rows that are unlike the others stand out, the others do not, and few rows are not compared."""

import random

import pytest

from tests.tools.data.rows import chat
from tools.data.conversation import Conversation
from tools.data.scan.load_patterns import Level
from tools.data.scan.outliers import learn_norms, measures_of, unusual_measures

SENTENCE = "the a fan lamp door cold loud old new shop runs stops today never every of in with"
WORDS = SENTENCE.split(" ")


def ordinary(count: int, words: int = 60) -> list[Conversation]:
    chance = random.Random(5)
    return [
        chat(
            " ".join(chance.choices(WORDS, k=words + chance.randrange(-20, 21))),
            " ".join(chance.choices(WORDS, k=words)),
            row=row,
        )
        for row in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("answer", "measure"),
    [
        (" ".join(random.Random(1).choices(WORDS, k=20_000)), "length"),
        ("%7$ 31;9, " * 60, "non_letters"),
        ("a" * 900, "entropy"),
        ("the lamp is off and " * 60, "compression"),
    ],
)
@pytest.mark.parametrize("level", ["strict", "maximum"])
def test_a_row_unlike_the_others_stands_out(level: Level, answer: str, measure: str) -> None:
    norms = learn_norms(ordinary(200))

    assert measure in unusual_measures(chat("Why is it cold?", answer), norms, level)


def test_ordinary_rows_do_not_stand_out() -> None:
    rows = ordinary(200)
    norms = learn_norms(rows)

    assert [row.row for row in rows if unusual_measures(row, norms, "strict")] == []


@pytest.mark.parametrize(("rows", "compared"), [(49, False), (50, True)])
def test_fewer_than_fifty_rows_are_not_compared(rows: int, compared: bool) -> None:
    assert bool(learn_norms(ordinary(rows))) is compared


def test_rows_are_not_compared_below_strict() -> None:
    norms = learn_norms(ordinary(60))

    assert unusual_measures(chat("a", "b" * 90_000), norms, "standard") == ()


def test_equal_rows_leave_room_for_small_differences() -> None:
    norms = learn_norms([chat("Which lamp is it?", "The one on the left.", row=1)] * 100)

    assert (
        unusual_measures(chat("Which lamp is it?", "The one on the left!!"), norms, "strict") == ()
    )
    assert unusual_measures(chat("Which lamp is it?", "No. " * 50), norms, "strict") == ("length",)


def test_a_short_text_has_a_length_alone() -> None:
    assert measures_of(chat("Hi", "Yes.")) == {"length": 3.0}


def test_the_order_of_the_rows_changes_nothing() -> None:
    rows = ordinary(80)

    assert learn_norms(rows) == learn_norms(reversed(rows))
