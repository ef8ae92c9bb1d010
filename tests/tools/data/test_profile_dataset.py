"""A dataset is measured as it is, whatever its kind."""

from pathlib import Path

import pytest

from tests.tools.data.rows import chat, conversation, pair, save_version, text
from tools.data.profile_dataset import ProfileReport, Spread, profile
from tools.errors import DatasetError


def test_a_dataset_of_chats_is_measured(tmp_path: Path) -> None:
    long = conversation(
        ("system", "Be kind."), ("user", "Who are you?"), ("assistant", "{{name}}"), row=4
    )
    source = save_version(tmp_path, [chat("Hi"), chat("Hello"), chat("Yes?", "No."), long])

    assert profile(source) == ProfileReport(
        dataset=source.stem,
        rows=4,
        plain_text=False,
        preference=False,
        turns=Spread(minimum=2, median=2, p95=3, maximum=3),
        prompt_characters=Spread(minimum=2, median=4, p95=20, maximum=20),
        answer_characters=Spread(minimum=3, median=4, p95=8, maximum=8),
        system_share=0.25,
        distinct_answers=3,
        commonest_answer_share=0.5,
        estimated_tokens=12,
        placeholder_rows=1,
        labels=(),
        lengths=((64, 4),),
    )


def test_few_answers_are_labels_and_counted(tmp_path: Path) -> None:
    rows = [chat(f"Is {row} odd?", "yes" if row % 3 else "No") for row in range(30)]

    assert profile(save_version(tmp_path, rows)).labels == (20, 10)


def test_lengths_are_counted_in_bins_that_double(tmp_path: Path) -> None:
    rows = [text("x" * length) for length in (1, 64, 65, 128, 129, 600)]

    assert profile(save_version(tmp_path, rows)).lengths == (
        *((64, 2), (128, 2), (256, 1), (512, 0), (1024, 1)),
    )


def test_plain_text_is_called_so(tmp_path: Path) -> None:
    report = profile(save_version(tmp_path, [text("Once upon a time.")]))

    assert (report.plain_text, report.preference) == (True, False)
    assert report.prompt_characters.maximum == 0
    assert report.answer_characters.maximum == 17


def test_preference_pairs_are_called_so_and_measured_by_the_chosen_answer(tmp_path: Path) -> None:
    report = profile(save_version(tmp_path, [pair("Hello", "Yes.", "Certainly not.")]))

    assert (report.plain_text, report.preference) == (False, True)
    assert (report.prompt_characters.maximum, report.answer_characters.maximum) == (5, 4)


def test_an_empty_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has no rows"):
        profile(save_version(tmp_path, []))
