"""Every problem of every row is found at once, is told without its text, and can be removed."""

from pathlib import Path

import pytest

from tests.tools.data.rows import chat, chats, conversation, load_version, pair, save_version, text
from tools.data.check_texts import LONG_ROW_CHARACTERS
from tools.data.conversation import Conversation, Segment, ToolCall, read_conversations
from tools.data.enough_rows import MINIMUM_ROWS
from tools.data.finding import Finding
from tools.data.validate_dataset import RemoveReport, remove_invalid, validate
from tools.errors import DatasetError

SYSTEM, USER, ASSISTANT = ("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello")
TOOL = ("tool", "7")
LONG_PROSE = "A sentence of some length that says very little at all. " * 6
CALL = ToolCall(name="add", arguments={"a": 1})


def segments(*pieces: tuple[str, bool]) -> Conversation:
    return Conversation(segments=tuple(Segment(text=a, label=b) for a, b in pieces), row=1)


def test_a_call_of_a_tool_needs_no_words(tmp_path: Path) -> None:
    row = conversation(USER, ("assistant", ""), TOOL, ASSISTANT)
    call = row.messages[1].model_copy(update={"tool_calls": (CALL,)})
    calling = row.model_copy(update={"messages": (row.messages[0], call, *row.messages[2:])})

    assert validate(save_version(tmp_path, [row])).counts == {"empty_turn": 1}
    assert validate(save_version(tmp_path, [calling])).counts == {}


@pytest.mark.parametrize(
    "row",
    [
        conversation(USER, ASSISTANT),
        conversation(SYSTEM, USER, ASSISTANT),
        conversation(USER, ASSISTANT, ("user", "Bye"), ASSISTANT),
        conversation(USER, ("assistant", "f()"), TOOL, ASSISTANT),
        conversation(USER, ("assistant", "f()"), TOOL, TOOL, ASSISTANT),
        text("Plain text\n\twith a tab."),
        pair("Hi", "Hello", "What?"),
        chat("Which of them? Say a word.", "None of them."),
        chat("Where is it?", "At @home, or ask @anna. 5 @ 3 is no address; a@b neither."),
        chat("Say hi", "x" * (LONG_ROW_CHARACTERS - 6)),
        chat("Hi").model_copy(update={"label": True}),
        segments(("Q", False), ("A", True)),
        chat("Describe it", "Ünïcödé, “quoted” — naïve façade."),
        chat("Are you sorry?", "Sorry to hear that it broke. I can help you with it."),
        chat("Give JSON", '{"a": [1, 2], "b": {"c": null}}'),
        chat("Give code", "```python\nprint(1)\n```"),
        chat("Give a list", LONG_PROSE + " It ends here."),
        chat("Give code", LONG_PROSE + "\n    return result"),
    ],
)
def test_a_good_row_has_no_findings(tmp_path: Path, row: Conversation) -> None:
    report = validate(save_version(tmp_path, [row]))

    assert (report.findings, report.counts, report.rows_usable) == ((), {}, 1)


ERRORS = [
    (conversation(), "no_messages", "messages"),
    (chat("Hi", ""), "empty_answer", "messages"),
    (chat("Hi", " \n\t"), "empty_answer", "messages"),
    (text(" "), "empty_answer", "messages"),
    (chat(" ", "Hello"), "empty_turn", "messages"),
    (conversation(("system", ""), USER, ASSISTANT), "empty_turn", "messages"),
    (conversation(USER), "last_turn_not_assistant", "messages"),
    (conversation(USER, ASSISTANT, USER), "last_turn_not_assistant", "messages"),
    (conversation(SYSTEM, ASSISTANT), "roles_out_of_order", "messages"),
    (conversation(ASSISTANT, USER, ASSISTANT), "roles_out_of_order", "messages"),
    (conversation(USER, USER, ASSISTANT), "roles_out_of_order", "messages"),
    (conversation(USER, ASSISTANT, ASSISTANT), "roles_out_of_order", "messages"),
    (conversation(USER, SYSTEM, ASSISTANT), "roles_out_of_order", "messages"),
    (conversation(USER, TOOL, ASSISTANT), "roles_out_of_order", "messages"),
    (conversation(SYSTEM, SYSTEM, USER, ASSISTANT), "several_system_messages", "messages"),
    (chat("Hi", "Hel\x00lo"), "control_characters", "messages"),
    (chat("Hi\x1b[31m", "Hello"), "control_characters", "messages"),
    *[
        (chat("Hi", nothing), "null_as_text", "messages")
        for nothing in ("nan", "NaN", "null", "None", " N/A ", "undefined")
    ],
    (chat("Hi  there", "hi there"), "answer_equals_prompt", "messages"),
    (pair("Hi", "", "What?"), "empty_answer", "chosen"),
    (pair("Hi", "Hello", ""), "empty_answer", "rejected"),
    (pair("Hi", "hi", "What?"), "answer_equals_prompt", "chosen"),
    (chat("null", "Hello"), "null_as_text", "messages"),
    (chat("Hi").model_copy(update={"label": False}), "marked_bad", "label"),
    (segments(("Q", False), ("A", False)), "no_loss", "segments"),
    (segments(("Q", False), ("A\x00", True)), "control_characters", "segments"),
]


@pytest.mark.parametrize(("row", "code", "field"), ERRORS)
def test_a_row_that_teaches_something_bad_is_an_error(
    tmp_path: Path, row: Conversation, code: str, field: str
) -> None:
    report = validate(save_version(tmp_path, [row]))

    assert [(one.code, one.severity, one.field) for one in report.findings] == [
        (code, "error", field)
    ]
    assert report.findings[0].remedy
    assert (report.rows_usable, report.usable) == (0, False)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (chat("Who are you?", "I am {{name}}."), "placeholder"),
        (chat("Say hi", "x" * LONG_ROW_CHARACTERS), "very_long_row"),
        (chat("Help", "I'm sorry, but I can't help with that."), "refusal"),
        (chat("Help", "I\u2019m sorry, but as an AI I have no view."), "refusal"),
        (chat("Help", "As an AI language model, I do not eat."), "refusal"),
        (chat("Hilf", "Es tut mir leid, aber ich kann das nicht tun."), "refusal"),
        (chat("Give JSON", '{"a": [1, 2], "b": {"c": nul'), "cut_off_answer"),
        (chat("Give JSON", '{"a": "one'), "cut_off_answer"),
        (chat("Give code", "```python\nprint(1)"), "cut_off_answer"),
        (chat("Explain", LONG_PROSE + " and so on until the very last of the"), "cut_off_answer"),
        (chat("Where?", "In the cafÃ©."), "wrong_encoding"),
        (chat("Where?", "In the caf\ufffd."), "wrong_encoding"),
    ],
)
def test_what_a_person_should_judge_is_a_warning(
    tmp_path: Path, row: Conversation, code: str
) -> None:
    report = validate(save_version(tmp_path, [row]))

    assert [(one.code, one.severity) for one in report.findings] == [(code, "warning")]
    assert report.rows_usable == 1


def test_different_answers_to_the_same_prompt_are_a_warning(tmp_path: Path) -> None:
    rows = [
        chat("Capital of France?", "Paris", row=1),
        chat("capital  of france?", "Lyon", row=2),
        chat("Capital of France?", "PARIS", row=3),
    ]

    report = validate(save_version(tmp_path, rows))

    assert report.findings == (
        Finding(
            row=2,
            field="messages",
            severity="warning",
            code="conflicting_answers",
            message="Row 1 answers the same prompt differently.",
            remedy="Keep the better answer, unless both are right.",
        ),
    )


def test_plain_texts_contradict_nobody(tmp_path: Path) -> None:
    texts = [text("Once."), text("Twice.")]

    assert validate(save_version(tmp_path, texts)).counts == {}


def test_an_answer_without_a_question_among_others_that_have_one_is_an_error(
    tmp_path: Path,
) -> None:
    rows = [conversation(USER, ASSISTANT), text("Once.")]

    report = validate(save_version(tmp_path, rows))

    assert (report.counts, report.rows_usable) == ({"no_question": 1}, 1)


def test_a_preference_pair_contradicts_nobody(tmp_path: Path) -> None:
    prompt = conversation(USER, ASSISTANT, ("user", "Bye")).messages
    pairs = [
        pair("Hi", good, bad).model_copy(update={"messages": prompt})
        for good, bad in (("a", "b"), ("b", "c"))
    ]

    assert validate(save_version(tmp_path, pairs)).counts == {}


def test_all_problems_of_a_row_are_found_at_once(tmp_path: Path) -> None:
    row = conversation(("system", " "), ("assistant", "\x07bell"), ("user", "{{name}}"), row=9)

    report = validate(save_version(tmp_path, [row]))

    assert report.counts == {
        "last_turn_not_assistant": 1,
        "roles_out_of_order": 1,
        "empty_turn": 1,
        "control_characters": 1,
        "placeholder": 1,
    }
    assert {one.row for one in report.findings} == {9}


def test_an_answer_with_a_number_of_too_many_digits_is_judged_by_its_end(tmp_path: Path) -> None:
    number = '{"pi": ' + "3" * 5000
    rows = [chat("Pi?", number + "}"), chat("Pi again?", number, row=2)]

    report = validate(save_version(tmp_path, rows))

    assert [(one.row, one.code) for one in report.findings] == [(2, "cut_off_answer")]


def test_long_runs_of_letters_are_searched_quickly(tmp_path: Path) -> None:
    long = "a" * 200_000 + "@" + "b." * 100_000

    assert validate(save_version(tmp_path, [chat("Hi", long)])).rows_checked == 1


def test_only_the_first_findings_are_listed_but_all_are_counted(tmp_path: Path) -> None:
    report = validate(save_version(tmp_path, [chat("Hi", "", row=row) for row in range(1, 301)]))

    assert len(report.findings) == 200
    assert report.counts == {"empty_answer": 300}
    assert (report.rows_checked, report.rows_usable) == (300, 0)


@pytest.mark.parametrize(("rows", "usable"), [(MINIMUM_ROWS - 1, False), (MINIMUM_ROWS, True)])
def test_a_dataset_is_usable_from_twenty_rows_on(tmp_path: Path, rows: int, usable: bool) -> None:
    assert validate(save_version(tmp_path, [*chats(rows), chat("Hi", "")])).usable is usable


def test_rows_with_errors_are_removed_and_rows_with_warnings_stay(tmp_path: Path) -> None:
    good = [*chats(MINIMUM_ROWS), chat("Who are you?", "I am {{name}}.", row=21)]
    bad = [chat("Hi", "", row=22), chat("Hi", "nan", row=23), conversation(USER, USER, row=24)]
    source = save_version(tmp_path, [*good, *bad])

    report = remove_invalid(source, tmp_path)

    assert report == RemoveReport(
        dataset=report.dataset,
        rows_read=24,
        rows_kept=21,
        removed={"empty_answer": 1, "null_as_text": 1, "last_turn_not_assistant": 1},
    )
    assert load_version(tmp_path, report.dataset) == good
    assert len(list(read_conversations(source))) == 24


def test_a_dataset_without_errors_stays_the_version_it_is(tmp_path: Path) -> None:
    source = save_version(tmp_path, chats(MINIMUM_ROWS))

    assert remove_invalid(source, tmp_path).dataset == source.stem


def test_too_few_rows_left_are_refused_with_the_reasons_repeats_among_them(tmp_path: Path) -> None:
    bad = [chat("Hi", "", row=row) for row in range(13, 23)] + [chat("Hi", "nan", row=23)]
    repeats = [chat("What is 1?", "A number: 1.", row=row) for row in range(24, 64)]
    source = save_version(tmp_path, chats(12) + bad + repeats)

    with pytest.raises(DatasetError) as refusal:
        remove_invalid(source, tmp_path / "target")

    assert str(refusal.value) == (
        "Only 12 usable rows are left of 63, 20 are needed. Left out: 10 empty_answer "
        "(rows 13, 14, 15, 16, 17, ...), 1 null_as_text (row 23), 40 repeated "
        "(rows 24, 25, 26, 27, 28, ...). Repair the faulty rows or add more examples that differ."
    )
    assert [*(tmp_path / "target").iterdir()] == []
