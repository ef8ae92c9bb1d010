"""Rows that a benchmark has too are found, and what all rows share is no finding."""

from pathlib import Path

import pytest

from tests.tools.data.rows import chat, chats, load_version, save_version
from tools.data.contamination import (
    ContaminationReport,
    Overlap,
    RemoveContaminatedReport,
    find_contamination,
    remove_contaminated,
    texts_to_keep_out,
)
from tools.data.conversation import Message
from tools.errors import DatasetError

THIRTEEN = "A cold store keeps eleven tons of fish at minus twenty degrees always"
FORM = "You are given a request of a customer and have to name the part that is broken:"


def test_thirteen_words_in_a_row_are_an_overlap_and_twelve_are_none(tmp_path: Path) -> None:
    twelve = THIRTEEN.rsplit(" ", 1)[0]
    rows = [*chats(20), chat(f"Is it true? {THIRTEEN.upper()}!", row=21), chat(twelve, row=22)]

    report = find_contamination(
        save_version(tmp_path, rows), {"fish": [f"Read this. {THIRTEEN}, they say."], "none": []}
    )

    nothing = Overlap(rows=0, share=0, first_rows=(), benchmark_share=0, common=0)
    fish = Overlap(rows=1, share=1 / 22, first_rows=(21,), benchmark_share=1 / 5, common=0)
    assert report == ContaminationReport(
        rows_read=22, words=13, rows=1, overlaps={"fish": fish, "none": nothing}
    )


@pytest.mark.parametrize(
    ("benchmark", "found"),
    [("what IS 3?", (3,)), ("What is 3", (3,)), ("3", ()), ("What is", ()), ("number: 3. A", ())],
)
def test_a_short_text_overlaps_as_a_whole_question(
    tmp_path: Path, benchmark: str, found: tuple[int, ...]
) -> None:
    report = find_contamination(save_version(tmp_path, chats(20)), {"short": [benchmark]})

    assert report.overlaps["short"].first_rows == found


def test_a_short_answer_alone_is_no_overlap(tmp_path: Path) -> None:
    report = find_contamination(save_version(tmp_path, chats(20)), {"short": ["A number: 3."]})

    assert report.rows == 0


def test_the_form_of_all_rows_does_not_count(tmp_path: Path) -> None:
    rows = [chat(f"{FORM} it is number {n}", row=n) for n in range(1, 31)]
    leak = chat(f"{FORM} {THIRTEEN}", row=31)

    report = find_contamination(
        save_version(tmp_path, [*rows, leak]), {"mine": [f"{FORM} {THIRTEEN}"]}
    )

    assert report.overlaps["mine"].first_rows == (31,)
    assert report.overlaps["mine"].common == 5  # in the 17 words of the form


def test_a_system_prompt_does_not_count(tmp_path: Path) -> None:
    system = Message(role="system", content=THIRTEEN)
    rows = chats(20)
    rows[2] = rows[2].model_copy(update={"messages": (system, *rows[2].messages)})

    report = find_contamination(save_version(tmp_path, rows), {"system": [THIRTEEN]})

    assert report.rows == 0


def test_rows_of_the_held_out_data_are_found(tmp_path: Path) -> None:
    train = save_version(tmp_path, [*chats(20), chat(f"Why? {THIRTEEN}", row=21)])
    heldout = save_version(tmp_path, [chat("WHAT is 7?"), chat("Say something.", THIRTEEN)])

    report = find_contamination(train, {"heldout": texts_to_keep_out(heldout)})

    assert report.overlaps["heldout"].first_rows == (7, 21)


def test_rows_that_overlap_are_removed(tmp_path: Path) -> None:
    rows = [*chats(25), chat(THIRTEEN, row=26)]
    source, benchmarks = save_version(tmp_path, rows), {"a": [THIRTEEN], "b": ["What is 25?"]}

    report = remove_contaminated(source, tmp_path, benchmarks)

    assert report == RemoveContaminatedReport(
        dataset=report.dataset,
        rows_read=26,
        rows_kept=24,
        found=find_contamination(source, benchmarks),
    )
    assert report.found.rows == 2
    assert load_version(tmp_path, report.dataset) == rows[:24]


def test_removing_all_but_a_few_is_refused(tmp_path: Path) -> None:
    source = save_version(tmp_path, chats(21))
    questions = [row.messages[0].content for row in chats(2)]

    with pytest.raises(DatasetError, match=r"Only 19 usable .* 2 also in a benchmark \(rows 1, 2"):
        remove_contaminated(source, tmp_path / "target", {"a": questions})

    assert not (tmp_path / "target").exists()


def test_characters_without_spaces_are_words(tmp_path: Path) -> None:
    sentence = "冷蔵庫の扉が閉まらなくなりました"
    rows = [*chats(20), chat(f"助けて、{sentence}。", row=21)]

    report = find_contamination(save_version(tmp_path, rows), {"a": [f"店の{sentence}よ"]})

    assert report.overlaps["a"].first_rows == (21,)


def test_too_few_words_to_compare_by_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="Choose 3 or more"):
        find_contamination(save_version(tmp_path, chats(3)), {}, words=2)
