import math
import random
from statistics import fmean

import pytest

from tools.errors import EvaluationError
from tools.evaluation.compare import Comparison, compare


def test_a_comparison_says_how_much_and_how_sure() -> None:
    baseline = [0.0] * 30
    candidate = [1.0] * 18 + [0.0] * 12

    result = compare("exact_match", baseline=baseline, candidate=candidate, higher_is_better=True)

    assert (result.rows, result.baseline, result.candidate) == (30, 0.0, 0.6)
    assert result.difference == 0.6
    # 0.6 plus and minus 1.96 binomial standard errors is 0.42 to 0.78.
    assert result.low == pytest.approx(0.42, abs=0.04)
    assert result.high == pytest.approx(0.78, abs=0.04)
    assert result.better


@pytest.mark.parametrize(
    ("candidate", "higher_is_better", "better"),
    [(1.0, True, True), (-1.0, True, False), (1.0, False, False), (-1.0, False, True)],
)
def test_better_means_the_good_side_of_zero(
    candidate: float, higher_is_better: bool, better: bool
) -> None:
    scores = [candidate + 0.01 * index for index in range(10)]

    assert (
        compare(
            "m", baseline=[0.0] * 10, candidate=scores, higher_is_better=higher_is_better
        ).better
        is better
    )


@pytest.mark.parametrize("higher_is_better", [True, False])
@pytest.mark.parametrize("scores", [[0.5], [0.1, 0.9, 0.4], [1.0] * 50])
def test_a_copy_of_the_baseline_is_not_better(scores: list[float], higher_is_better: bool) -> None:
    result = compare("m", baseline=scores, candidate=scores, higher_is_better=higher_is_better)

    assert (result.difference, result.low, result.high, result.better) == (0.0, 0.0, 0.0, False)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [1, 2, 40])
def test_equal_differences_have_a_point_for_an_interval(rows: int) -> None:
    result = compare("m", baseline=[0.25] * rows, candidate=[0.75] * rows, higher_is_better=True)

    assert (result.difference, result.low, result.high, result.better) == (0.5, 0.5, 0.5, True)


def test_two_rows_that_differ_are_not_proof() -> None:
    result = compare("m", baseline=[0.0, 0.0], candidate=[0.0, 1.0], higher_is_better=True)

    assert (result.low, result.high, result.better) == (0.0, 1.0, False)


def test_pairing_takes_the_difficulty_of_the_rows_out() -> None:
    difficulty = [float(10 * index) for index in range(40)]
    easier = [value - 0.5 - 0.01 * (index % 3) for index, value in enumerate(difficulty)]

    result = compare("loss", baseline=difficulty, candidate=easier, higher_is_better=False)

    assert result.better
    assert result.high - result.low < 0.02


def test_the_same_scores_give_the_same_interval() -> None:
    draw = random.Random(1)
    old, new = ([draw.random() for _ in range(25)] for _ in range(2))

    first = compare("m", baseline=old, candidate=new, higher_is_better=True)

    assert compare("m", baseline=old, candidate=new, higher_is_better=True) == first
    assert compare("m", baseline=old, candidate=new, higher_is_better=True, seed=7) != first


@pytest.mark.parametrize(
    ("baseline", "candidate", "words"),
    [
        ([], [], "0 scores against 0"),
        ([1.0, 0.0], [1.0], "2 scores against 1"),
        ([1.0, 0.0], [1.0, math.nan], "held-out row 2 is not a finite number"),
        ([math.inf, 0.0], [1.0, 1.0], "held-out row 1 is not a finite number"),
    ],
)
def test_scores_that_cannot_be_paired_are_refused(
    baseline: list[float], candidate: list[float], words: str
) -> None:
    with pytest.raises(EvaluationError, match=words):
        compare("loss", baseline=baseline, candidate=candidate, higher_is_better=False)


def test_better_cannot_be_claimed() -> None:
    honest = compare("m", baseline=[0.5, 0.6], candidate=[0.5, 0.6], higher_is_better=True)

    claimed = Comparison.model_validate({**honest.model_dump(), "better": True})

    assert not claimed.better


@pytest.mark.parametrize("ties", [0.8, 0.5])
def test_an_equal_model_is_rarely_called_better(ties: float) -> None:
    draw = random.Random(3)
    weights = [(1 - ties) / 2, ties, (1 - ties) / 2]
    equal = [draw.choices([-1.0, 0.0, 1.0], weights, k=25) for _ in range(400)]

    called = fmean(
        compare(
            "m", baseline=[0.0] * 25, candidate=one, higher_is_better=True, resamples=500
        ).better
        for one in equal
    )

    # 2.5 % are promised; the rest is two standard errors of 400 tries.
    assert called <= 0.025 + 0.016
