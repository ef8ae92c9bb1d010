from typing import Any

import pytest

from tests.colours import chat
from tests.tools.training.talkers import make_talker
from tools.data.finding import Finding
from tools.training.chat_templates import use_template
from tools.training.check_lengths import (
    LengthBin,
    LengthReport,
    check_lengths,
    length_histogram,
)


@pytest.fixture
def talker() -> Any:
    tokenizer = make_talker()
    use_template(tokenizer, "plain")
    return tokenizer


def test_rows_too_long_for_the_model_are_named(talker: Any) -> None:
    bad = chat("?", "b", row=9).model_copy(update={"label": False})
    rows = [chat("?", "b", row=1), chat("?" * 9, "b", row=2), chat("?", "bb", row=3), bad]

    report = check_lengths(iter(rows), talker, max_length=8)

    assert report == LengthReport(
        rows=3,
        rows_not_measured=1,
        rows_too_long=1,
        longest_tokens=12,
        median_tokens=5,
        histogram=length_histogram([4, 12, 5]),
        findings=(
            Finding(
                row=2,
                field="messages",
                severity="warning",
                code="too_long_for_the_model",
                message="The row has 12 tokens; max_length is 8.",
                remedy="Shorten the row, or raise max_length where the model and the memory "
                "allow it.",
            ),
        ),
    )


def test_no_more_than_a_thousand_findings_are_kept(talker: Any) -> None:
    rows = (chat("?" * 9, "b", row=number) for number in range(1, 1102))

    report = check_lengths(rows, talker, max_length=8)

    assert (report.rows_too_long, len(report.findings)) == (1101, 1000)


def test_a_dataset_without_rows_has_no_lengths(talker: Any) -> None:
    report = check_lengths([], talker, max_length=8)

    assert (report.rows, report.longest_tokens, report.histogram) == (0, 0, ())


def test_a_histogram_counts_every_row_once_in_bins_of_one_width() -> None:
    assert length_histogram([0, 4, 5, 9, 10], bins=2) == (
        LengthBin(first_tokens=0, last_tokens=5, rows=3),
        LengthBin(first_tokens=6, last_tokens=11, rows=2),
    )
    lengths = [number * number for number in range(300)]
    bins = length_histogram(lengths)
    assert (len(bins), sum(one.rows for one in bins)) == (20, 300)
    assert bins[-1].first_tokens <= max(lengths) <= bins[-1].last_tokens
