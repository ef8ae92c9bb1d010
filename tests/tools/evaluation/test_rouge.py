import random

import pytest
from rouge_score.rouge_scorer import RougeScorer

from tools.evaluation.rouge import rouge_l


def test_rouge_l_is_the_f_measure_of_the_longest_common_subsequence() -> None:
    # In common and in order: they, the, dog, which is 3 of 4 words on both sides.
    assert rouge_l("they walk the dog", "they walked the dog") == pytest.approx(0.75)
    # In common and in order: the, dog, which is 2 of 4.
    assert rouge_l("the dog walk they", "they walked the dog") == pytest.approx(0.5)
    # 2 of 2 words in the answer, 2 of 6 in the reference: F = 2 * 1 * 1/3 / (1 + 1/3).
    assert rouge_l("a c", "a b c d e f") == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [("A quick, brown fox_jumps!", "the quick brown fox jumps"), ("x", "y"), ("it's 3.5", "its 3")],
)
def test_english_scores_are_those_of_rouge_score(answer: str, reference: str) -> None:
    stock = RougeScorer(["rougeL"]).score(reference, answer)["rougeL"].fmeasure

    assert rouge_l(answer, reference) == stock


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [
        ("größer", "größer", 1.0),
        ("привет мир", "привет друг", 0.5),
        ("你好世界", "你好朋友", 0.5),
        ("", "", 0.0),
        ("...", "word", 0.0),
    ],
)
def test_rouge_l_reads_every_script(answer: str, reference: str, score: float) -> None:
    assert rouge_l(answer, reference) == pytest.approx(score)


def test_random_texts_score_as_with_rouge_score() -> None:
    draw, stock = random.Random(5), RougeScorer(["rougeL"])
    for _ in range(300):
        few = [f"w{number}" for number in range(draw.randint(1, 12))]
        answer, reference = (" ".join(draw.choices(few, k=draw.randint(0, 70))) for _ in range(2))

        expected = stock.score(reference, answer)["rougeL"].fmeasure

        assert rouge_l(answer, reference) == expected
