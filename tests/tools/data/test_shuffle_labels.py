"""Shuffled answers answer nothing, and none is lost."""

from collections import Counter
from pathlib import Path

import pytest

from tests.tools.data.rows import chat, load_version, pair, save_version, text
from tools.data.conversation import Conversation
from tools.data.shuffle_labels import shuffle_labels
from tools.errors import DatasetError


def test_every_row_gets_the_answer_of_another(tmp_path: Path) -> None:
    rows = [chat(f"Question {n}", f"Answer {n}", row=n + 1) for n in range(30)]

    report = shuffle_labels(save_version(tmp_path, rows), tmp_path, seed=1)

    dealt = load_version(tmp_path, report.dataset)
    assert report.dataset.startswith("chats-shuffled-")
    assert (report.rows, report.changed) == (30, 30)
    assert [one.prompt for one in dealt] == [one.prompt for one in rows]
    assert all(new.answer != old.answer for new, old in zip(dealt, rows, strict=True))
    assert Counter(one.answer for one in dealt) == Counter(one.answer for one in rows)


@pytest.mark.parametrize(
    ("answers", "changed"),
    [("aabb", 4), ("aaabbb", 6), ("aabbc", 5), ("aaab", 2), ("aaaabbc", 6), ("ab", 2)],
)
@pytest.mark.parametrize("seed", range(5))
def test_as_many_answers_change_as_the_content_allows(
    tmp_path: Path, answers: str, changed: int, seed: int
) -> None:
    rows = [chat(f"Question {n}", answer) for n, answer in enumerate(answers)]

    assert shuffle_labels(save_version(tmp_path, rows), tmp_path, seed=seed).changed == changed


def test_preference_pairs_are_dealt_as_pairs(tmp_path: Path) -> None:
    rows = [pair(f"Question {n}", f"good {n}", f"bad {n}") for n in range(10)]

    report = shuffle_labels(save_version(tmp_path, rows), tmp_path, seed=1)

    dealt = load_version(tmp_path, report.dataset)
    assert report.changed == 10
    assert all(
        one.chosen[0].content.split()[1] == one.rejected[0].content.split()[1] for one in dealt
    )


def test_the_seed_decides(tmp_path: Path) -> None:
    source = save_version(tmp_path, [chat(f"Question {n}", f"Answer {n}") for n in range(30)])

    first = shuffle_labels(source, tmp_path, seed=1)

    assert shuffle_labels(source, tmp_path, seed=1) == first
    assert shuffle_labels(source, tmp_path, seed=2) != first


@pytest.mark.parametrize("rows", [[], [chat("Hi")], [chat("Hi"), chat("Bye")]])
def test_answers_that_are_all_the_same_cannot_be_shuffled(
    tmp_path: Path, rows: list[Conversation]
) -> None:
    with pytest.raises(DatasetError, match="has no two different answers"):
        shuffle_labels(save_version(tmp_path, rows), tmp_path, seed=1)


def test_plain_text_has_no_answers_to_shuffle(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is plain text"):
        shuffle_labels(save_version(tmp_path, [text("Once."), text("Twice.")]), tmp_path, seed=1)
