import random

import pytest
from pydantic import ValidationError

from tools.errors import EvaluationError
from tools.evaluation.answer import AnsweredRow
from tools.evaluation.compare import Comparison
from tools.evaluation.gate import GateDecision, decide
from tools.evaluation.scores import check_reading, compare_all, score_rows

SHA = "ab" * 32


def comparison(
    low: float, high: float, *, metric: str = "exact_match", prompts: int = 40
) -> Comparison:
    middle = (low + high) / 2
    return Comparison(
        metric=metric,
        higher_is_better=metric != "loss",
        rows=40,
        prompts=prompts,
        baseline=0.5,
        candidate=0.5 + middle,
        difference=middle,
        low=low,
        high=high,
    )


GAIN, EVEN, LOSS = comparison(0.1, 0.3), comparison(-0.1, 0.1), comparison(-0.3, -0.1)
READS, BLIND = comparison(0.2, 0.4, metric="reading"), comparison(-0.1, 0.1, metric="reading")


def gate(
    *against_base: Comparison,
    reading: Comparison | None = READS,
    against_champion: Comparison | None = None,
    champion_version: int | None = None,
    primary_metric: str = "exact_match",
) -> GateDecision:
    return decide(
        against_base=against_base,
        reading=reading,
        against_champion=against_champion,
        champion_version=champion_version,
        primary_metric=primary_metric,
        adapter_sha256=SHA,
    )


def failed(decision: GateDecision) -> list[str]:
    return [check.name for check in decision.checks if not check.passed]


def test_a_better_model_becomes_the_first_champion() -> None:
    decision = gate(GAIN)

    assert (decision.verdict, decision.promote, failed(decision)) == ("better", True, [])
    assert decision.adapter_sha256 == SHA
    assert decision.reasons == (
        "40 held-out rows were compared.",
        "Against the base: exact_match 0.500 to 0.700, difference +0.200, 95 % interval +0.100 to "
        "+0.300; the tuned model is better.",
        "The answers score 0.800 against their own references and 0.500 against those of other "
        "rows, difference +0.300, 95 % interval +0.200 to +0.400; the answers depend on the "
        "questions.",
        "There is no champion yet.",
    )


@pytest.mark.parametrize("against_base", [EVEN, LOSS, comparison(0.0, 0.4)])
def test_an_interval_that_touches_zero_is_not_better(against_base: Comparison) -> None:
    decision = gate(against_base)

    assert (decision.verdict, decision.promote) == ("not better", False)
    assert failed(decision) == ["beats_base"]


def test_another_metric_cannot_stand_in_for_the_primary_one() -> None:
    gain_elsewhere = comparison(0.1, 0.3, metric="rouge_l")

    assert gate(EVEN, gain_elsewhere).verdict == "not better"


@pytest.mark.parametrize(("prompts", "verdict"), [(19, "not better"), (20, "better")])
def test_twenty_prompts_are_needed_however_many_rows_they_have(prompts: int, verdict: str) -> None:
    decision = gate(comparison(0.5, 0.9, prompts=prompts))

    assert decision.verdict == verdict
    assert failed(decision) == ([] if verdict == "better" else ["prompts"])
    counted = f"40 held-out rows with {prompts} distinct prompts were compared."
    assert decision.checks[0].reason.startswith(counted)


@pytest.mark.parametrize("reading", [BLIND, None])
def test_answers_that_fit_any_row_are_not_better(reading: Comparison | None) -> None:
    decision = gate(GAIN, reading=reading)

    assert (decision.verdict, decision.promote) == ("not better", False)
    assert failed(decision) == ["reading"]


def test_plain_text_needs_no_reading_check() -> None:
    lower_loss = comparison(-0.3, -0.1, metric="loss")

    assert gate(lower_loss, reading=None, primary_metric="loss").promote


@pytest.mark.parametrize(
    ("against_champion", "promote"),
    [(GAIN, True), (EVEN, False), (LOSS, False), (None, False), (READS, False)],
)
def test_the_champion_falls_only_to_a_better_one(
    against_champion: Comparison | None, promote: bool
) -> None:
    decision = gate(GAIN, against_champion=against_champion, champion_version=3)

    assert (decision.verdict, decision.promote) == ("better", promote)
    assert failed(decision) == ([] if promote else ["beats_champion"])
    assert decision.champion_version == 3
    assert "version 3" in decision.checks[-1].reason


def test_beating_the_champion_does_not_make_up_for_the_base() -> None:
    assert not gate(EVEN, against_champion=GAIN, champion_version=3).promote


def test_the_primary_metric_must_have_been_compared() -> None:
    with pytest.raises(EvaluationError, match="not compared with its base on rouge_l"):
        gate(GAIN, primary_metric="rouge_l")


@pytest.mark.parametrize(
    "change",
    [{"promote": True}, {"verdict": "better"}, {"checks": (), "promote": True}],
)
def test_a_decision_cannot_contradict_its_checks(change: dict[str, object]) -> None:
    refused = gate(EVEN)

    with pytest.raises(ValidationError, match="does not follow from the checks"):
        GateDecision.model_validate({**refused.model_dump(), **change})


def test_a_decision_survives_being_written_down() -> None:
    decision = gate(GAIN, against_champion=EVEN, champion_version=2)

    assert GateDecision.model_validate_json(decision.model_dump_json()) == decision


def test_a_copy_of_the_base_is_not_better(answered: tuple[AnsweredRow, ...]) -> None:
    copies = [
        row.model_copy(update={"answers": dict.fromkeys(row.answers, row.reference)})
        for row in answered
    ]

    decision = gate(
        *compare_all(score_rows(copies)),
        reading=check_reading(copies, "exact_match"),
    )

    assert failed(decision) == ["beats_base"]


@pytest.mark.parametrize("seed", range(5))
def test_a_model_of_shuffled_labels_is_not_better_though_it_beats_an_untrained_base(
    seed: int,
) -> None:
    labels = ["billing"] * 70 + ["returns"] * 20 + ["accounts"] * 10
    dealt = random.Random(seed).sample(labels, len(labels))
    rows = [
        AnsweredRow(
            row=number,
            prompt=f"Message {number}?",
            reference=label,
            answers={"base": "Hello!", "tuned": guess},
            stopped={"base": True, "tuned": True},
        )
        for number, (label, guess) in enumerate(zip(labels, dealt, strict=True), 1)
    ]

    decision = gate(
        *compare_all(score_rows(rows)),
        reading=check_reading(rows, "exact_match"),
    )

    assert failed(decision) == ["reading"]


def test_nothing_is_promoted_while_the_champion_is_not_known() -> None:
    decision = decide(
        against_base=[GAIN],
        reading=READS,
        against_champion=None,
        champion_version="unknown",
        primary_metric="exact_match",
        adapter_sha256=SHA,
    )

    assert (decision.verdict, decision.promote) == ("better", False)
    assert "could not be fetched" in decision.reasons[0]
