from collections.abc import Sequence

import pytest

from tests.colours import chat
from tools.data.conversation import Conversation, Message
from tools.errors import EvaluationError
from tools.evaluation.answer import AnsweredRow
from tools.evaluation.scores import (
    Metric,
    ScoreTable,
    check_reading,
    choose_primary_metric,
    compare_all,
    exact_match,
    score_rows,
)


def asked(*references: str) -> list[Conversation]:
    return [chat("?", reference, row) for row, reference in enumerate(references, 1)]


def answered(references: Sequence[str], answers: Sequence[str]) -> list[AnsweredRow]:
    return [
        AnsweredRow(
            row=number,
            prompt=f"Question {number}?",
            reference=reference,
            answers={"base": "", "tuned": answer},
            stopped={"base": True, "tuned": True},
        )
        for number, (reference, answer) in enumerate(zip(references, answers, strict=True), 1)
    ]


@pytest.mark.parametrize(
    ("answer", "reference", "score"),
    [
        ("billing", "billing", 1.0),
        ("  billing\n", "billing", 1.0),
        ("Billing", "billing", 0.0),
        ("billing.", "billing", 0.0),
        ("", "billing", 0.0),
        ("", "", 1.0),
        ('{"a": 1, "b": [2]}', '{ "b":[2],\n"a":1.0 }', 1.0),
        ('{"a": true}', '{"a": 1}', 0.0),
        ('{"a": "1"}', '{"a": 1}', 0.0),
        ("[1, 2]", "[2, 1]", 0.0),
        ('{"a": 1', '{"a": 1}', 0.0),
        ('```json\n{"a": 1}\n```', '{"a": 1}', 0.0),
        ('{"a": NaN}', '{"a": null}', 0.0),
        ("[" * 5000, "[]", 0.0),
        ("[" + "9" * 5000 + "]", "[9]", 0.0),
        ("[1e999]", "[1]", 0.0),
        ("1.0", "1", 0.0),
    ],
)
def test_exact_match_is_of_text_or_of_json_values(
    answer: str, reference: str, score: float
) -> None:
    assert exact_match(answer, reference) == score


LONG = "word " * 30


@pytest.mark.parametrize(
    ("heldout", "metric"),
    [
        (asked("billing", "returns"), "exact_match"),
        (asked("word " * 12), "exact_match"),
        (asked("word " * 13), "rouge_l"),
        (asked(LONG, LONG, "billing"), "rouge_l"),
        (asked(f'{{"summary": "{LONG}"}}', f'{{"summary": "{LONG}"}}', LONG), "exact_match"),
        (asked("你好" * 10), "rouge_l"),
        ([Conversation(messages=(Message(role="assistant", content="text"),), row=1)], "loss"),
    ],
)
def test_the_references_choose_the_metric(heldout: list[Conversation], metric: Metric) -> None:
    assert choose_primary_metric(heldout) == metric


def test_no_rows_choose_nothing() -> None:
    with pytest.raises(EvaluationError, match="no held-out rows"):
        choose_primary_metric([])


def test_every_candidate_is_scored_on_every_row() -> None:
    rows = answered(["a b", "c"], ["a b", "d"])

    table = score_rows(rows, {"base": [2.0, 3.0], "tuned": [1.0, 1.0]})

    assert table == ScoreTable(
        prompts=("question 1?", "question 2?"),
        scores={
            "exact_match": {"base": (0.0, 0.0), "tuned": (1.0, 0.0)},
            "rouge_l": {"base": (0.0, 0.0), "tuned": (1.0, 0.0)},
            "loss": {"base": (2.0, 3.0), "tuned": (1.0, 1.0)},
        },
    )
    assert [(one.metric, one.higher_is_better, one.difference) for one in compare_all(table)] == [
        ("exact_match", True, 0.5),
        ("rouge_l", True, 0.5),
        ("loss", False, -1.5),
    ]


def test_plain_text_has_losses_alone() -> None:
    row = AnsweredRow(row=1, prompt="", reference="text", answers={}, stopped={})

    table = score_rows([row], {"base": [2.0], "tuned": [1.0]})

    assert list(table.scores) == ["loss"]


def test_reading_compares_own_and_other_references() -> None:
    references = ["a", "b", "c", "d"]

    result = check_reading(answered(references, references), "rouge_l")

    assert (result.baseline, result.candidate, result.better) == (0.0, 1.0, True)


@pytest.mark.parametrize("metric", ["exact_match", "rouge_l"])
@pytest.mark.parametrize("constant", ["returns", "billing"])
@pytest.mark.parametrize("rows", [3, 21, 90])
def test_one_answer_for_every_question_reads_nothing(
    rows: int, constant: str, metric: Metric
) -> None:
    references = sorted(["billing", "billing", "returns"] * (rows // 3))

    result = check_reading(answered(references, [constant] * rows), metric)

    assert result.difference == pytest.approx(0.0, abs=1e-12)
    assert not result.better


@pytest.mark.parametrize(
    ("references", "metric"), [(["a"], "exact_match"), ([], "rouge_l"), (["a", "b"], "loss")]
)
def test_reading_needs_two_prompts_with_answers(references: list[str], metric: Metric) -> None:
    with pytest.raises(EvaluationError, match="takes two held-out prompts"):
        check_reading(answered(references, references), metric)


def test_rows_of_one_prompt_are_one_prompt_whatever_its_spelling() -> None:
    rows = answered(["a", "b", "a", "b"], ["a", "b", "a", "b"])
    prompts = ["What  now?", "what now?", "And then?", "AND THEN?\n"]
    asked = [
        row.model_copy(update={"prompt": prompt}) for row, prompt in zip(rows, prompts, strict=True)
    ]

    compared = compare_all(score_rows(asked))
    reading = check_reading(asked, "exact_match")

    assert {(one.rows, one.prompts) for one in compared} == {(4, 2)}
    # Each answer fits its own reference, and one of two of the other prompt's.
    assert (reading.rows, reading.prompts) == (4, 2)
    assert (reading.candidate, reading.baseline) == (1.0, 0.5)


@pytest.mark.parametrize("metric", ["exact_match", "rouge_l"])
def test_one_answer_reads_nothing_when_prompts_repeat_unequally(metric: Metric) -> None:
    labels = ["billing", "returns", "billing", "accounts", "returns", "billing", "billing"]
    rows = [
        row.model_copy(update={"prompt": f"Message {number // 3}"})
        for number, row in enumerate(answered(labels * 5, ["billing"] * 35))
    ]

    result = check_reading(rows, metric)

    assert (result.rows, result.prompts) == (35, 12)
    assert result.difference == pytest.approx(0.0, abs=1e-12)


def test_plain_texts_are_prompts_of_their_own() -> None:
    rows = [AnsweredRow(row=1, prompt="", reference=text, answers={}, stopped={}) for text in "aab"]

    table = score_rows(rows, {"base": [2.0, 2.0, 2.0], "tuned": [1.0, 1.0, 1.0]})

    assert [(one.rows, one.prompts) for one in compare_all(table)] == [(3, 2)]
