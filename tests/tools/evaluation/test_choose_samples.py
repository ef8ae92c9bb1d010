import pytest

from tools.evaluation.answer import AnsweredRow
from tools.evaluation.choose_samples import choose_samples
from tools.evaluation.verdict import Sample


def rows(count: int) -> list[AnsweredRow]:
    return [
        AnsweredRow(
            row=number,
            prompt=f"question {number}",
            reference="yes",
            answers={"base": f"base {number}", "tuned": f"tuned {number}", "champion": "yes"},
            stopped={"base": True, "tuned": True, "champion": True},
        )
        for number in range(1, count + 1)
    ]


def kinds(won: int, tied: int, lost: int, seed: int = 42) -> tuple[int, int, int]:
    base = [0.0] * won + [0.5] * tied + [1.0] * lost
    tuned = [1.0] * won + [0.5] * tied + [0.0] * lost
    chosen = choose_samples(rows(len(base)), base=base, tuned=tuned, seed=seed)
    numbers = [one.row for one in chosen]
    assert numbers == sorted(set(numbers))
    return (
        sum(number <= won for number in numbers),
        sum(won < number <= won + tied for number in numbers),
        sum(number > won + tied for number in numbers),
    )


@pytest.mark.parametrize(
    ("there_are", "shown"),
    [
        ((50, 30, 20), (5, 3, 2)),
        ((98, 1, 1), (8, 1, 1)),
        ((1, 0, 99), (1, 0, 9)),
        ((0, 40, 0), (0, 10, 0)),
        ((2, 1, 1), (2, 1, 1)),
        ((6, 2, 2), (6, 2, 2)),
        ((5, 5, 5), (4, 3, 3)),
    ],
)
def test_wins_ties_and_losses_are_shown_as_often_as_there_are(
    there_are: tuple[int, int, int], shown: tuple[int, int, int]
) -> None:
    assert kinds(*there_are) == shown


def test_a_sample_is_the_row_with_both_answers() -> None:
    (sample,) = choose_samples(rows(1), base=[0.0], tuned=[1.0])

    assert sample == Sample(
        row=1, prompt="question 1", reference="yes", base="base 1", tuned="tuned 1"
    )


def test_the_seed_decides_which_rows_are_shown() -> None:
    many = rows(200)
    scores = [0.0] * 200

    first = choose_samples(many, base=scores, tuned=scores)

    assert choose_samples(many, base=scores, tuned=scores) == first
    assert choose_samples(many, base=scores, tuned=scores, seed=7) != first


def test_plain_text_has_no_samples() -> None:
    row = AnsweredRow(row=1, prompt="", reference="text", answers={}, stopped={})

    assert choose_samples([row], base=[], tuned=[]) == ()
    assert choose_samples([], base=[], tuned=[]) == ()
