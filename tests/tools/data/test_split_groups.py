"""Rows that give each other away stand on one side, and labels are held out in proportion."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.colours import WORDS, colour_chats
from tests.tools.data.paraphrases import long_chats, paraphrased
from tests.tools.data.rows import chat, conversation, load_version, save_version
from tools.data.conversation import Conversation
from tools.data.deduplicate import deduplicate
from tools.data.near_duplicates import find_near_duplicates_across
from tools.data.split_dataset import SplitReport, split_dataset
from tools.errors import DatasetError

Parts = list[list[Conversation]]


def split(folder: Path, rows: Iterable[Conversation]) -> tuple[SplitReport, Parts]:
    """Split `rows`; answer with the report and the rows of train, validation and heldout."""
    report = split_dataset(save_version(folder, rows), folder)
    names = (report.train, report.validation, report.heldout)
    return report, [load_version(folder, name) for name in names]


def of_documents(numbers: Iterable[int]) -> list[Conversation]:
    """Return rows of which four in a row are of one document."""
    return [
        chat(f"Question {n}?", row=n + 1).model_copy(update={"group": f"page {n // 4}"})
        for n in numbers
    ]


def groups_of(rows: Iterable[Conversation]) -> set[str]:
    return {row.group for row in rows}


def leaking(folder: Path, report: SplitReport, side: str) -> int:
    """Return how many held-out rows have a near duplicate in the dataset `side`."""
    heldout = folder / f"{report.heldout}.jsonl"
    return find_near_duplicates_across(folder / f"{side}.jsonl", heldout).leaking_rows


def test_rows_of_one_document_stand_on_one_side_and_a_seventh_is_held_out(tmp_path: Path) -> None:
    report, parts = split(tmp_path, of_documents(range(2000)))

    assert (report.prompts, report.groups, report.joined) == (2000, 500, {"group": 1500})
    assert sum(len(groups_of(part)) for part in parts) == 500
    # 75 are expected; this is three standard deviations.
    assert report.heldout_groups == pytest.approx(75, abs=24)
    assert report.heldout_rows == 4 * report.heldout_groups


def test_a_document_keeps_its_side_however_rows_come_and_go(tmp_path: Path) -> None:
    draw = random.Random(5)
    _, earlier = split(tmp_path, of_documents(range(2000)))

    for _ in range(4):
        kept = draw.sample(range(2000), 1800)
        _, now = split(tmp_path, of_documents([*kept, *range(3000, 3000 + draw.randint(0, 500))]))

        for before, after in zip(earlier, now, strict=True):
            assert groups_of(after) & groups_of(row for part in earlier for row in part) <= (
                groups_of(before)
            )


def test_rows_that_join_groups_never_hold_out_what_was_trained_on(tmp_path: Path) -> None:
    draw = random.Random(2)
    rows = long_chats(draw, 300)
    _, (trained, _, _) = split(tmp_path, rows)

    added = [paraphrased(draw, row, 301 + n) for n, row in enumerate(draw.sample(rows, 150))]
    _, (_, _, heldout) = split(tmp_path, [*rows, *added])

    assert not {row.row for row in heldout} & {row.row for row in trained}


def test_a_conversation_stands_on_one_side_with_what_it_grew_into(tmp_path: Path) -> None:
    rows = []
    for n in range(100):
        turns = [("user", f"Topic {n}?"), ("assistant", f"Yes, {n}."), ("user", "Go on.")]
        rows += [
            conversation(*turns[:2], row=3 * n + 1),
            conversation(*turns, ("assistant", "First."), row=3 * n + 2),
            conversation(("system", "Be kind."), *turns, ("assistant", "Else."), row=3 * n + 3),
        ]

    report, parts = split(tmp_path, rows)

    assert (report.prompts, report.groups, report.joined) == (300, 100, {"beginning": 200})
    topics = [{(row.row - 1) // 3 for row in part} for part in parts]
    assert sum(map(len, topics)) == 100


def test_a_greeting_that_a_tenth_begins_with_joins_nothing(tmp_path: Path) -> None:
    turns = (("user", "Hi"), ("assistant", "Hello, what can I do for you?"))
    rows = [
        conversation(*turns, ("user", f"Question {n}?"), ("assistant", "Yes."), row=n + 1)
        for n in range(60)
    ]

    report, _ = split(tmp_path, [*rows, *(chat(f"Other {n}?", row=99) for n in range(300))])

    assert (report.groups, report.joined) == (360, {})


def test_no_paraphrase_of_a_held_out_row_is_left_on_another_side(tmp_path: Path) -> None:
    draw = random.Random(8)
    rows = long_chats(draw, 300)
    _, (trained, _, heldout) = split(tmp_path, rows)
    planted = [paraphrased(draw, row, 301 + n) for n, row in enumerate(heldout)]

    found = find_near_duplicates_across(
        save_version(tmp_path, [*trained, *planted]), save_version(tmp_path, heldout)
    )
    again, parts = split(tmp_path, [*rows, *planted])

    assert found.leaking_rows >= 0.9 * len(heldout)
    assert again.near_duplicates_joined
    assert again.joined["near_duplicate"] >= 0.9 * len(planted)
    assert leaking(tmp_path, again, again.train) == again.leaking_rows == 0
    assert leaking(tmp_path, again, again.validation) == 0
    assert sum(map(len, parts)) == len(rows) + len(planted)


def test_near_duplicates_that_leave_too_few_groups_are_counted_and_not_joined(
    tmp_path: Path,
) -> None:
    draw = random.Random(4)
    forms = long_chats(draw, 10)
    rows = [paraphrased(draw, form, row) for row, form in enumerate(forms * 20, start=1)]

    report, _ = split(tmp_path, rows)

    assert not report.near_duplicates_joined
    assert report.groups == report.prompts > 150
    assert report.leaking_rows > 20
    assert report.leaking_rows >= leaking(tmp_path, report, report.train) > 0


def test_rows_that_one_word_tells_apart_are_no_near_duplicates(tmp_path: Path) -> None:
    report, _ = split(tmp_path, colour_chats(400))

    assert (report.groups, report.near_duplicates_joined, report.joined) == (400, True, {})


@pytest.mark.parametrize("sizes", [[300, 60, 40], [3, 300], [500, 500], [20] * 20, [3, 3]])
def test_every_label_is_held_out_in_proportion(tmp_path: Path, sizes: Sequence[int]) -> None:
    labels = [label for label, size in enumerate(sizes) for _ in range(size)]
    rows = [chat(f"Question {n}?", f"Label {label}", n + 1) for n, label in enumerate(labels)]
    often = 4 if len(rows) < 20 else 1  # fewer rows are refused
    report, (_, _, heldout) = split(tmp_path, rows * often)

    found = Counter(row.messages[-1].content for row in heldout)
    assert report.labels == len(sizes)
    for label, size in enumerate(sizes):
        exact = size * report.heldout_groups / len(labels)
        assert max(1, exact - 1) <= found[f"Label {label}"] / often <= exact + 1


@pytest.mark.parametrize("answers", [1, 2, 21])
def test_answers_that_are_no_labels_change_no_side(tmp_path: Path, answers: int) -> None:
    rows = [chat(f"Question {n}?", f"Answer {n % answers}", row=n + 1) for n in range(210)]
    if answers == 2:
        rows = [chat(f"Question {n}?", f"{n < 2}", row=n + 1) for n in range(210)]

    report, (_, _, heldout) = split(tmp_path, rows)
    _, (_, _, others) = split(tmp_path, [chat(f"Question {n}?", row=n + 1) for n in range(210)])

    assert report.labels == 0
    assert [row.row for row in heldout] == [row.row for row in others]


def test_a_label_that_grows_holds_out_nothing_that_was_trained_on(tmp_path: Path) -> None:
    _, (trained, _, _) = split(tmp_path, colour_chats(1600))

    for count in (1700, 2000, 2400):
        report, (_, _, heldout) = split(tmp_path, colour_chats(count))
        assert report.labels == len(WORDS)
        assert not {row.row for row in heldout} & {row.row for row in trained}


def test_one_group_of_all_rows_is_refused(tmp_path: Path) -> None:
    rows = [chat(f"Question {n}?").model_copy(update={"group": "all"}) for n in range(30)]

    with pytest.raises(DatasetError, match=r"has 1 group, 6 are needed .* of the same group"):
        split(tmp_path, rows)


_ROWS = st.lists(
    st.builds(
        lambda asked, answer, group: chat(asked, answer).model_copy(update={"group": group}),
        st.text("aB é1", min_size=1, max_size=8),
        st.sampled_from(["yes", "no", "A longer answer."]),
        st.sampled_from(["", "", "", "a", "b"]),
    ),
    min_size=20,
    max_size=60,
)


@settings(max_examples=40, deadline=None)
@given(_ROWS)
def test_a_split_loses_and_repeats_no_row(rows: list[Conversation]) -> None:
    numbered = [row.model_copy(update={"row": n}) for n, row in enumerate(rows, start=1)]

    with TemporaryDirectory() as folder:
        try:
            _, parts = split(Path(folder), numbered)
        except DatasetError:
            return

    assert sorted((row for part in parts for row in part), key=lambda one: one.row) == numbered
    assert all(part == sorted(part, key=lambda one: one.row) for part in parts)
    assert all(parts)


@settings(max_examples=40, deadline=None)
@given(_ROWS)
def test_deduplicating_twice_is_deduplicating_once(rows: list[Conversation]) -> None:
    numbered = [row.model_copy(update={"row": n}) for n, row in enumerate(rows, start=1)]

    with TemporaryDirectory() as name:
        folder = Path(name)
        try:
            once = deduplicate(save_version(folder, numbered), folder)
        except DatasetError:
            return
        twice = deduplicate(folder / f"{once.dataset}.jsonl", folder)
        kept = load_version(folder, once.dataset)

    assert (twice.dataset, twice.repeats) == (once.dataset, ())
    assert kept == [row for row in numbered if row in kept]
