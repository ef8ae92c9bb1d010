"""Every row is on one side, and equal prompts are on the same one."""

from pathlib import Path

import pytest

from tests.tools.data.rows import chat, load_version, pair, save_version, text
from tools.data.conversation import Conversation
from tools.data.split_dataset import SplitReport, split_dataset
from tools.errors import DatasetError


def test_every_row_is_on_one_side(tmp_path: Path) -> None:
    rows = [chat(f"Question {n}", row=n) for n in range(1, 101)]

    report = split_dataset(save_version(tmp_path, rows), tmp_path)

    assert report == SplitReport(
        train=report.train,
        validation=report.validation,
        heldout=report.heldout,
        train_rows=80,
        validation_rows=5,
        heldout_rows=15,
        groups=100,
    )
    parts = [
        load_version(tmp_path, name) for name in (report.train, report.validation, report.heldout)
    ]
    assert [len(part) for part in parts] == [80, 5, 15]
    assert sorted((row for part in parts for row in part), key=lambda one: one.row) == rows
    assert all(part == sorted(part, key=lambda one: one.row) for part in parts)


def test_the_parts_are_named_after_the_dataset(tmp_path: Path) -> None:
    report = split_dataset(save_version(tmp_path, [chat(str(n)) for n in range(20)]), tmp_path)

    assert report.train.startswith("chats-train-")
    assert report.validation.startswith("chats-validation-")
    assert report.heldout.startswith("chats-heldout-")


@pytest.mark.parametrize("seed", range(5))
def test_rows_with_equal_prompts_stay_together(tmp_path: Path, seed: int) -> None:
    rows = [
        chat(f"{'  QUESTION' if n % 3 else 'question'} {n // 4}", f"Answer {n}", row=n + 1)
        for n in range(80)
    ]

    report = split_dataset(save_version(tmp_path, rows), tmp_path, seed=seed)

    sides = [
        {" ".join(row.messages[0].content.lower().split()) for row in load_version(tmp_path, name)}
        for name in (report.train, report.validation, report.heldout)
    ]
    assert report.groups == 20
    assert sum(len(side) for side in sides) == len(set().union(*sides)) == 20


@pytest.mark.parametrize("sizes", [[18, 1, 1], [1, 18, 1], [7, 7, 6], [40, 30, 1]])
def test_every_part_has_a_row_even_when_the_groups_are_large(
    tmp_path: Path, sizes: list[int]
) -> None:
    rows = [chat(f"Question {n}", str(i)) for n, size in enumerate(sizes) for i in range(size)]

    for seed in range(6):
        report = split_dataset(save_version(tmp_path, rows), tmp_path, seed=seed)
        parts = (report.train_rows, report.validation_rows, report.heldout_rows)
        assert min(parts) >= 1
        assert sum(parts) == len(rows)


def test_the_seed_decides(tmp_path: Path) -> None:
    source = save_version(tmp_path, [chat(f"Question {n}") for n in range(60)])

    first = split_dataset(source, tmp_path, seed=1)

    assert split_dataset(source, tmp_path, seed=1) == first
    assert split_dataset(source, tmp_path, seed=2).heldout != first.heldout


def test_plain_texts_and_preference_pairs_are_split_too(tmp_path: Path) -> None:
    for rows in (
        [text(f"Text {n}") for n in range(20)],
        [pair(f"Question {n}", "a", "b") for n in range(20)],
    ):
        report = split_dataset(save_version(tmp_path, rows), tmp_path)
        assert (report.train_rows, report.validation_rows, report.heldout_rows) == (16, 1, 3)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([chat(str(n)) for n in range(19)], "has 19 rows, 20 are needed to split it"),
        ([], "has 0 rows"),
        ([chat(str(n % 2), str(n)) for n in range(30)], "has 2 distinct prompts, 3 are needed"),
    ],
)
def test_too_little_to_split_is_refused(
    tmp_path: Path, rows: list[Conversation], reason: str
) -> None:
    with pytest.raises(DatasetError, match=reason):
        split_dataset(save_version(tmp_path, rows), tmp_path)


@pytest.mark.parametrize("heldout", [0.0, -0.1, 0.95, 2])
def test_fractions_that_leave_a_part_empty_are_refused(tmp_path: Path, heldout: float) -> None:
    source = save_version(tmp_path, [chat(str(n)) for n in range(20)])

    with pytest.raises(DatasetError, match=rf"must be above 0 and below 0\.95, not {heldout}\."):
        split_dataset(source, tmp_path, heldout_fraction=heldout)
