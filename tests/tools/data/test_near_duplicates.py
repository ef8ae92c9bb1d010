"""Rows that are nearly the same are found, and no others are called so."""

import random
import time
from pathlib import Path

import pytest

from tests.tools.data.paraphrases import long_chats, paraphrased
from tests.tools.data.rows import chat, chats, load_version, save_version, text
from tools.data.conversation import Conversation, Message
from tools.data.near_duplicates import (
    NearDuplicateReport,
    NearLeakReport,
    NearPair,
    NearRemoveReport,
    find_near_duplicates,
    find_near_duplicates_across,
    near_clusters,
    remove_near_duplicates,
)
from tools.data.shingles import compared_text, jaccard, shingles_of
from tools.data.sketches import Sketches
from tools.errors import DatasetError

LONG = "The door of the upright freezer at the back of our shop does not close any more since"


def test_a_row_with_another_number_is_reported_with_its_likeness(tmp_path: Path) -> None:
    rows = [*chats(5), chat(f"{LONG} 1234.", row=6), chat(f"{LONG} 5678!", row=9)]

    report = find_near_duplicates(save_version(tmp_path, rows))

    assert report == NearDuplicateReport(
        rows_read=7,
        threshold=0.8,
        clusters=1,
        rows_in_clusters=2,
        pairs=(NearPair(row=6, twin=9, jaccard=0.835),),
    )


def test_a_likeness_is_the_share_of_common_shingles() -> None:
    one, other = (shingles_of(compared_text(text(content))) for content in ("ab CD e!", "ab cd f"))

    assert one == {"ab cd", "b cd ", " cd e"}
    assert jaccard(one, other) == 2 / 4
    assert jaccard(shingles_of(""), shingles_of("")) == 0


@pytest.mark.parametrize("content", ["!?", "", "hi", "你好吗"])
def test_texts_of_a_word_or_none_are_compared_whole(tmp_path: Path, content: str) -> None:
    rows = [text(content, 1), text(f" {content} ", 2), text("another", 3)]

    report = find_near_duplicates(save_version(tmp_path, rows))

    assert report.rows_in_clusters == (2 if content.isalpha() else 0)


def test_a_system_prompt_makes_no_rows_alike(tmp_path: Path) -> None:
    system = Message(role="system", content=LONG * 3)
    rows = [one.model_copy(update={"messages": (system, *one.messages)}) for one in chats(20)]

    report = find_near_duplicates(save_version(tmp_path, rows))

    assert report.clusters == 0


def test_light_paraphrases_are_found_and_nothing_else(tmp_path: Path) -> None:
    draw = random.Random(3)
    rows = long_chats(draw, 300)
    planted = draw.sample(rows, 100)
    twins = [paraphrased(draw, row, 300 + n) for n, row in enumerate(planted, start=1)]

    report = find_near_duplicates(save_version(tmp_path, rows + twins))

    found = {(pair.row, pair.twin) for pair in report.pairs}
    right = {(row.row, twin.row) for row, twin in zip(planted, twins, strict=True)}
    assert len(found & right) >= 90
    assert found <= right
    assert all(pair.jaccard >= 0.8 for pair in report.pairs)


def test_the_pairs_are_those_that_comparing_all_with_all_finds(tmp_path: Path) -> None:
    draw = random.Random(11)
    rows = long_chats(draw, 60, length=15)
    rows += [paraphrased(draw, row, 60 + n) for n, row in enumerate(rows, start=1)]

    report = find_near_duplicates(save_version(tmp_path, rows))

    shingles = {row.row: shingles_of(compared_text(row)) for row in rows}
    alike = {
        (one, other)
        for one in shingles
        for other in shingles
        if one < other and jaccard(shingles[one], shingles[other]) >= 0.8
    }
    assert {(pair.row, pair.twin) for pair in report.pairs} == alike


def test_the_same_rows_give_the_same_report(tmp_path: Path) -> None:
    draw = random.Random(5)
    rows = long_chats(draw, 40)
    source = save_version(tmp_path, [*rows, *(paraphrased(draw, row, 50) for row in rows)])

    assert find_near_duplicates(source) == find_near_duplicates(source)


def test_the_first_of_a_cluster_stays_when_they_are_removed(tmp_path: Path) -> None:
    rows = [*chats(20), chat(f"{LONG} 1234.", row=21)]
    twins = [chat(f"{LONG} 5678.", row=22), chat(f"{LONG} 9.", row=23)]

    report = remove_near_duplicates(save_version(tmp_path, rows + twins), tmp_path)

    assert report == NearRemoveReport(
        dataset=report.dataset,
        threshold=0.8,
        rows_read=23,
        rows_kept=21,
        removed=((22, 21), (23, 21)),
    )
    assert load_version(tmp_path, report.dataset) == rows


def test_removing_all_but_a_few_is_refused(tmp_path: Path) -> None:
    source = save_version(tmp_path, [chat(f"{LONG} {n}", row=n) for n in range(1, 31)])

    with pytest.raises(DatasetError, match=r"Only 1 usable row is left of 30, .* 29 repeated"):
        remove_near_duplicates(source, tmp_path / "target")

    assert not (tmp_path / "target").exists()


def test_held_out_rows_that_nearly_stand_in_the_training_data_are_named(tmp_path: Path) -> None:
    train = save_version(tmp_path, [*chats(5), chat(f"{LONG} 1234.", row=6)])
    heldout = save_version(tmp_path, [*chats(5, first=11), chat(f"{LONG} 5678.", row=7)])

    report = find_near_duplicates_across(train, heldout)

    assert report == NearLeakReport(
        train_rows=6,
        heldout_rows=6,
        threshold=0.8,
        leaking_rows=1,
        pairs=(NearPair(row=6, twin=7, jaccard=0.835),),
    )


def test_a_row_of_a_template_is_not_compared_with_all_others(tmp_path: Path) -> None:
    rows = [chat(f"Where is order {n * 7919 % 100003} that I made?", row=n) for n in range(1, 1001)]
    sketches = Sketches((save_version(tmp_path, rows),), threshold=0.8, seed=1)

    near_clusters(sketches, 0.8)

    assert max(sketches.failures) == 16


@pytest.mark.parametrize("letter", ["a", "a ", ".", "好", "ﷺ", "\u0301"])
def test_a_text_of_a_million_letters_is_compared_by_its_beginning(
    tmp_path: Path, letter: str
) -> None:
    rows = [text(letter * 1_000_000, 1), text(letter * 900_000, 2)]
    source = save_version(tmp_path, rows)

    began = time.process_time()
    report = find_near_duplicates(source)

    assert report.rows_in_clusters == (0 if letter in ".\u0301" else 2)
    assert time.process_time() - began < 20


@pytest.mark.parametrize("threshold", [0, 0.49, 1.01, float("nan")])
def test_a_threshold_that_means_nothing_is_refused(tmp_path: Path, threshold: float) -> None:
    source = save_version(tmp_path, chats(3))

    with pytest.raises(DatasetError, match=r"Choose one from 0\.5 to 1"):
        find_near_duplicates(source, threshold=threshold)


def test_no_rows_have_no_near_duplicates(tmp_path: Path) -> None:
    empty: list[Conversation] = []

    report = find_near_duplicates(save_version(tmp_path, empty))

    assert (report.rows_read, report.pairs) == (0, ())


def test_a_missing_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no dataset 'gone'"):
        find_near_duplicates(tmp_path / "gone.jsonl")
