"""Every row is on one side, equal prompts are on the same one, and a prompt keeps its side."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.tools.data.rows import chat, load_version, pair, save_version, text
from tools.data.conversation import Conversation
from tools.data.split_dataset import SplitReport, split_dataset
from tools.errors import DatasetError


def split(folder: Path, rows: Iterable[Conversation]) -> tuple[SplitReport, list[set[str]]]:
    """Split `rows`; answer with the report and the prompts of train, validation and heldout."""
    report = split_dataset(save_version(folder, rows), folder)
    names = (report.train, report.validation, report.heldout)
    return report, [
        {" ".join(row.messages[0].content.lower().split()) for row in load_version(folder, name)}
        for name in names
    ]


def questions(numbers: Iterable[int]) -> list[Conversation]:
    return [chat(f"Question {number}?") for number in numbers]


def test_every_row_is_on_one_side(tmp_path: Path) -> None:
    rows = [chat(f"Question {n}", row=n) for n in range(1, 401)]

    report = split_dataset(save_version(tmp_path, rows), tmp_path)

    parts = [
        load_version(tmp_path, name) for name in (report.train, report.validation, report.heldout)
    ]
    assert report == SplitReport(
        train=report.train,
        validation=report.validation,
        heldout=report.heldout,
        train_rows=len(parts[0]),
        validation_rows=len(parts[1]),
        heldout_rows=len(parts[2]),
        prompts=400,
        heldout_prompts=len(parts[2]),
        groups=400,
        heldout_groups=len(parts[2]),
        near_duplicates_joined=True,
    )
    assert sorted((row for part in parts for row in part), key=lambda one: one.row) == rows
    assert all(part == sorted(part, key=lambda one: one.row) for part in parts)
    # 60 and 20 are expected; these are three standard deviations.
    assert len(parts[2]) == pytest.approx(60, abs=21)
    assert len(parts[1]) == pytest.approx(20, abs=13)


def test_the_parts_are_named_after_the_dataset(tmp_path: Path) -> None:
    report = split_dataset(save_version(tmp_path, questions(range(20))), tmp_path)

    assert report.train.startswith("chats-train-")
    assert report.validation.startswith("chats-validation-")
    assert report.heldout.startswith("chats-heldout-")


def test_rows_with_equal_prompts_stay_together(tmp_path: Path) -> None:
    rows = [
        chat(f"{'  QUESTION' if n % 3 else 'question'} {n // 4}", f"Answer {n}", row=n + 1)
        for n in range(80)
    ]

    report, sides = split(tmp_path, rows)

    assert report.prompts == 20
    assert report.heldout_rows == 4 * report.heldout_prompts
    assert sum(len(side) for side in sides) == len(set().union(*sides)) == 20


@pytest.mark.parametrize(("prompts", "held_out"), [(6, 2), (20, 6), (60, 20), (63, 21), (120, 21)])
def test_a_small_dataset_holds_out_what_a_proof_takes_but_a_third_at_most(
    tmp_path: Path, prompts: int, held_out: int
) -> None:
    rows = [
        chat(f"Question {number}", f"Answer {answer}")
        for number in range(prompts)
        for answer in range(4)
    ]

    report = split_dataset(save_version(tmp_path, rows), tmp_path)

    assert report.heldout_prompts >= held_out
    assert report.heldout_prompts <= prompts // 3
    assert min(report.train_rows, report.validation_rows) >= 4


def test_a_prompt_keeps_its_side_however_rows_come_and_go(tmp_path: Path) -> None:
    draw = random.Random(5)
    _, earlier = split(tmp_path, questions(range(400)))

    for _ in range(10):
        kept = draw.sample(range(400), 300)
        _, now = split(tmp_path, questions([*kept, *range(1000, 1000 + draw.randint(0, 500))]))

        for before, after in zip(earlier, now, strict=True):
            assert after & set().union(*earlier) <= before


@pytest.mark.parametrize("count", [63, 80, 120, 200])
def test_rows_that_are_added_never_hold_out_what_was_trained_on(tmp_path: Path, count: int) -> None:
    for first in range(0, 5000, 1000):
        _, (trained, _, _) = split(tmp_path, questions(range(first, first + count)))

        for added in (1, 10, 50, 400):
            _, (_, _, heldout) = split(tmp_path, questions(range(first, first + count + added)))
            assert not heldout & trained


def test_a_champion_is_not_compared_on_rows_it_was_trained_on(tmp_path: Path) -> None:
    whole = questions(range(1036))
    _, (trained, _, _) = split(tmp_path, whole)

    shuffled = random.Random(1).sample(whole, len(whole))
    for changed in (whole[10:], whole[:-10], shuffled, [*whole, *questions(range(2000, 2010))]):
        report, (_, _, heldout) = split(tmp_path, changed)
        assert report.heldout_rows >= 100
        assert not heldout & trained


def test_a_prompt_of_many_rows_is_trained_on(tmp_path: Path) -> None:
    for often in range(40):
        rows = [*questions(range(40)), *(chat(f"Question {often}?", str(n)) for n in range(30))]

        _, (trained, _, _) = split(tmp_path, rows)

        assert f"question {often}?" in trained


@pytest.mark.parametrize("sizes", [[18, 1, 1, 1, 1, 1], [40, 30, 20, 20, 20, 20], [4] * 6])
def test_every_part_has_a_row_even_when_prompts_have_many(tmp_path: Path, sizes: list[int]) -> None:
    rows = [chat(f"Question {n}", str(i)) for n, size in enumerate(sizes) for i in range(size)]

    report = split_dataset(save_version(tmp_path, rows), tmp_path)

    parts = (report.train_rows, report.validation_rows, report.heldout_rows)
    assert min(parts) >= 1
    assert (sum(parts), report.heldout_prompts) == (len(rows), 2)


def test_plain_texts_and_preference_pairs_are_split_too(tmp_path: Path) -> None:
    for rows in (
        [text(f"Text {n}") for n in range(20)],
        [pair(f"Question {n}", "a", "b") for n in range(20)],
    ):
        report = split_dataset(save_version(tmp_path, rows), tmp_path)
        assert report.heldout_rows == report.heldout_prompts == 6
        assert report.train_rows + report.validation_rows == 14


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([chat(str(n)) for n in range(19)], "has 19 rows, 20 are needed to split it"),
        ([], "has 0 rows"),
        ([chat(str(n % 5), str(n)) for n in range(30)], "has 5 distinct prompts, 6 are needed"),
    ],
)
def test_too_little_to_split_is_refused(
    tmp_path: Path, rows: list[Conversation], reason: str
) -> None:
    with pytest.raises(DatasetError, match=reason):
        split_dataset(save_version(tmp_path, rows), tmp_path)
