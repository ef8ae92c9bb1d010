import math
import random
from collections.abc import Sequence
from statistics import fmean

import pytest

from tools.errors import EvaluationError
from tools.evaluation.compare import Comparison, compare


def compare_rows(
    baseline: Sequence[float],
    candidate: Sequence[float],
    *,
    metric: str = "m",
    higher_is_better: bool = True,
    seed: int = 42,
) -> Comparison:
    """Compare rows with a prompt of their own each."""
    return compare(
        metric,
        prompts=range(len(baseline)),
        baseline=baseline,
        candidate=candidate,
        higher_is_better=higher_is_better,
        seed=seed,
    )


def test_a_comparison_says_how_much_and_how_sure() -> None:
    baseline = [0.0] * 30
    candidate = [1.0] * 18 + [0.0] * 12

    result = compare_rows(baseline, candidate)

    assert (result.rows, result.prompts) == (30, 30)
    assert (result.baseline, result.candidate) == (0.0, 0.6)
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

    result = compare_rows([0.0] * 10, scores, higher_is_better=higher_is_better)

    assert result.better is better


@pytest.mark.parametrize("higher_is_better", [True, False])
@pytest.mark.parametrize("scores", [[0.5], [0.1, 0.9, 0.4], [1.0] * 50])
def test_a_copy_of_the_baseline_is_not_better(scores: list[float], higher_is_better: bool) -> None:
    result = compare_rows(scores, scores, higher_is_better=higher_is_better)

    assert (result.difference, result.low, result.high, result.better) == (0.0, 0.0, 0.0, False)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [1, 2, 40])
def test_equal_differences_have_a_point_for_an_interval(rows: int) -> None:
    result = compare_rows([0.25] * rows, [0.75] * rows)

    assert (result.difference, result.low, result.high, result.better) == (0.5, 0.5, 0.5, True)


def test_two_rows_that_differ_are_not_proof() -> None:
    result = compare_rows([0.0, 0.0], [0.0, 1.0])

    assert (result.low, result.high, result.better) == (0.0, 1.0, False)


def test_pairing_takes_the_difficulty_of_the_rows_out() -> None:
    difficulty = [float(10 * index) for index in range(40)]
    easier = [value - 0.5 - 0.01 * (index % 3) for index, value in enumerate(difficulty)]

    result = compare_rows(difficulty, easier, higher_is_better=False)

    assert result.better
    assert result.high - result.low < 0.02


def test_the_same_scores_give_the_same_interval() -> None:
    draw = random.Random(1)
    old, new = ([draw.random() for _ in range(25)] for _ in range(2))

    first = compare_rows(old, new)

    assert compare_rows(old, new) == first
    assert compare_rows(old, new, seed=7) != first


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
        compare_rows(baseline, candidate, metric="loss")


def test_better_cannot_be_claimed() -> None:
    honest = compare_rows([0.5, 0.6], [0.5, 0.6])

    claimed = Comparison.model_validate({**honest.model_dump(), "better": True})

    assert not claimed.better


def test_every_prompt_counts_once() -> None:
    result = compare(
        "m",
        prompts=["a", "b", "a", "a", "c", "a"],
        baseline=[0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        candidate=[1.0, 0.0, 0.0, 1.0, 1.0, 0.0],
        higher_is_better=True,
    )

    # Prompt a goes from 0 to 1/2, b stays 0, c stays 1.
    assert (result.rows, result.prompts) == (6, 3)
    assert (result.baseline, result.candidate) == (pytest.approx(1 / 3), 0.5)
    assert result.difference == pytest.approx(1 / 6)
    assert (result.low, result.high) == (0.0, pytest.approx(0.5))


# The promise is 2.5 %; with two standard errors of 400 tries that is 4.1 %. With rows resampled
# instead of prompts, 20 prompts of 5 rows are called better in 18 %.
@pytest.mark.parametrize(
    ("prompts", "rows", "ties"), [(25, 1, 0.8), (25, 1, 0.5), (20, 5, 0.5), (8, 3, 0.5)]
)
def test_an_equal_model_is_rarely_called_better(prompts: int, rows: int, ties: float) -> None:
    draw = random.Random(3)
    weights = [(1 - ties) / 2, ties, (1 - ties) / 2]
    asked = [prompt for prompt in range(prompts) for _ in range(rows)]

    called = []
    for _ in range(400):
        by_prompt = draw.choices([-1.0, 0.0, 1.0], weights, k=prompts)
        scores = [by_prompt[prompt] for prompt in asked]
        result = compare(
            "m",
            prompts=asked,
            baseline=[0.0] * len(asked),
            candidate=scores,
            higher_is_better=True,
        )
        called.append(result.better)

    assert fmean(called) <= 0.041
