"""Tables whose rows name the row before them become conversations."""

from pathlib import Path
from typing import Any

from tests.tools.data.rows import imported, load_version, save_file, save_lines
from tools.data.import_dataset import import_dataset
from tools.data.row_problem import RowProblem


def turn(own: object, parent: object, **others: Any) -> dict[str, Any]:
    """Return a row that asks and answers with its own id."""
    return {
        "id": own,
        "parent_id": parent,
        "instruction": f"{own}?",
        "output": f"{own}.",
        **others,
    }


def chains_of(folder: Path, *rows: dict[str, Any]) -> tuple[list[str], tuple[RowProblem, ...]]:
    """Import the rows; return each conversation as its answers, and the problems."""
    report, conversations = imported(folder, *rows)
    assert report.format == "chained"
    said = (
        " ".join(turn.content for turn in one.messages if turn.role == "assistant")
        for one in conversations
    )
    return list(said), report.problems


def test_a_child_may_stand_before_its_parent(tmp_path: Path) -> None:
    rows = [turn("c", "b"), turn("a", None), turn("b", "a"), turn("x", "")]

    assert chains_of(tmp_path, *rows) == (["a. b. c.", "x."], ())


def test_branches_are_conversations_of_one_group(tmp_path: Path) -> None:
    rows = [turn(1, None), turn(2, 1), turn(3, 1), turn(4, None)]

    report, conversations = imported(tmp_path, *rows)

    assert [(one.row, one.answer) for one in conversations] == [(2, "2."), (3, "3."), (4, "4.")]
    assert conversations[0].group == conversations[1].group != conversations[2].group
    assert (report.rows_read, report.rows_imported) == (3, 3)


def test_only_the_first_system_message_of_a_chain_stays(tmp_path: Path) -> None:
    rows = [turn(1, None, system="Be kind."), turn(2, 1, system="Be brief.")]

    _, [conversation] = imported(tmp_path, *rows)

    assert [one.content for one in conversation.messages] == ["Be kind.", "1?", "1.", "2?", "2."]


def test_rows_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    rows = [
        turn("a", None),
        turn("lost", "gone"),
        turn("b", "c"),
        turn("c", "b"),
        turn("d", "c"),
        turn("self", "self"),
        turn("a", None),
        turn(None, None),
        {**turn("bad", None), "output": 3},
        turn("e", "bad"),
    ]

    chains, problems = chains_of(tmp_path, *rows)

    assert chains == ["a."]
    assert sorted((one.row, one.kind) for one in problems) == [
        (2, "orphan"),
        (3, "cycle"),
        (4, "cycle"),
        (5, "cycle"),
        (6, "cycle"),
        (7, "repeated_id"),
        (8, "missing"),
        (9, "not_text"),
        (10, "orphan"),
    ]


def test_a_chain_without_end_is_cut_short_in_time(tmp_path: Path) -> None:
    rows = [turn(n, n - 1 or None) for n in range(1, 3000)]
    path = save_lines(tmp_path, turn("x", None), *rows)

    report = import_dataset(path, tmp_path)

    assert report.rows_imported == 1
    assert [(one.row, one.kind) for one in report.problems] == [(3000, "too_long")]


def test_numbers_that_a_table_spells_in_two_ways_are_one_id(tmp_path: Path) -> None:
    table = "instruction,output,id,parent_id\n1?,1.,1,\n2?,2.,2,1.0\n"

    report = import_dataset(save_file(tmp_path, "rows.csv", table), tmp_path)

    [conversation] = load_version(tmp_path, report.dataset)
    assert [one.content for one in conversation.messages] == ["1?", "1.", "2?", "2."]


def test_what_waits_for_its_parent_leaves_no_file(tmp_path: Path) -> None:
    report = import_dataset(save_lines(tmp_path, turn(1, None)), tmp_path / "datasets")

    kept = {path.name for path in (tmp_path / "datasets").iterdir()}
    assert kept == {f"{report.dataset}.jsonl", f"{report.dataset}.record.json"}
