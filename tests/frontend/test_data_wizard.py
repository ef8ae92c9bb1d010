"""A file that is looked at before its import: seen, mapped, seen again, imported, or let be."""

from typing import Any, get_args

import pytest

from frontend.data.mapping import PARTS
from tests.frontend.answers import HOSTILE, a_dataset
from tests.frontend.data_answers import INSPECTION
from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import AppTest, open_tab, texts
from tools.data.layout import Format
from tools.data.mapping import Mapping, layout_of
from tools.errors import DatasetError

UNKNOWN: dict[str, Any] = {
    **INSPECTION,
    "layout": None,
    "refusal": "No format is recognised.",
    "conversations": [],
    "problems": [],
}


def look(studio: FakeStudio) -> AppTest:
    """Return the tab after a file was looked at."""
    tab = open_tab("data_tab", studio)
    tab.file_uploader(key="data_file").upload("faq.csv", b"Frage;Antwort", "text/csv")
    [looked] = [one for one in tab.button if one.label == "Look at it first"]
    looked.click().run()
    assert not tab.exception, [one.message for one in tab.exception]
    return tab


def keys(tab: AppTest) -> set[str]:
    return {str(one.key) for one in tab.button}


def choose(tab: AppTest, **columns: str) -> None:
    tab.selectbox(key="data_map_abc.jsonl_format").select("alpaca").run()
    for part, column in columns.items():
        tab.selectbox(key=f"data_map_abc.jsonl_alpaca_{part}").select(column)
    tab.run()


def test_a_file_is_looked_at_before_anything_is_imported() -> None:
    studio = FakeStudio()

    tab = look(studio)

    assert studio.asked == [("upload", "faq.csv"), ("inspect", {"upload": "abc.jsonl"})]
    assert "Format: **alpaca** (90% sure)" in texts(tab)
    assert "Columns: Frage (text), Antwort (text)" in texts(tab)
    assert "It was read as Windows-1252." in texts(tab)
    assert "Row 2, Antwort: it is not text. Write it." in texts(tab)


def test_a_row_of_the_file_stands_beside_what_becomes_of_it_as_text() -> None:
    tab = look(FakeStudio())

    assert "Row 1, as it is in the file and as it comes out" in texts(tab)
    assert [one.value for one in tab.text] == [HOSTILE, "Ja", HOSTILE]
    assert HOSTILE not in "".join(one.value for one in tab.markdown)


def test_what_is_empty_is_told_so_and_a_whole_row_has_no_field() -> None:
    row = {"row": 1, "values": {"Frage": "Why?", "Antwort": ""}}
    problem = {"row": 2, "field": "", "problem": "it has 1 field", "remedy": "Quote it."}
    made = {"row": 1, "messages": [{"role": "assistant", "content": ""}]}
    found = {"rows": [row], "problems": [problem], "conversations": [made]}

    studio = FakeStudio()
    studio.kept_inspection = {"status": "succeeded", "result": {**INSPECTION, **found}}

    tab = look(studio)

    assert [one.value for one in tab.text] == ["Why?", "(empty)", "(empty)"]
    assert "Row 2: it has 1 field. Quote it." in texts(tab)


def test_what_was_seen_is_imported_as_it_was_seen() -> None:
    studio = FakeStudio()
    tab = look(studio)

    tab.button(key="data_wizard_import").click().run()

    assert not tab.exception
    assert studio.asked[-1] == ("add_dataset", "faq", {"upload": "abc.jsonl"})
    assert "data_wizard_close" not in keys(tab)


def test_columns_that_are_chosen_are_looked_at_before_they_are_imported() -> None:
    studio = FakeStudio()
    tab = look(studio)
    tab.selectbox(key="data_map_abc.jsonl_alpaca_answer").select("Frage").run()
    assert "data_wizard_import" not in keys(tab)

    tab.button(key="data_wizard_again").click().run()

    mapping = {"format": "alpaca", "columns": {"prompt": "Frage", "answer": "Frage"}}
    assert studio.asked[-1] == ("inspect", {"upload": "abc.jsonl", "mapping": mapping})


def test_what_was_found_and_is_not_changed_stays_as_it_was_found() -> None:
    studio = FakeStudio()
    layout = {
        **INSPECTION["layout"],
        "history": "Zuvor",
        "group": "Akte",
        "chosen": None,
        "roles": {"kunde": "user"},
        "role_key": "wer",
        "content_key": None,
    }
    result = {**INSPECTION, "layout": layout}
    studio.kept_inspection = {"status": "succeeded", "result": result}
    tab = look(studio)
    tab.selectbox(key="data_map_abc.jsonl_alpaca_system").select("Antwort").run()

    tab.button(key="data_wizard_again").click().run()

    columns = {"history": "Zuvor", "group": "Akte", "prompt": "Frage", "answer": "Antwort"}
    mapping = {
        "format": "alpaca",
        "columns": {**columns, "system": "Antwort"},
        "roles": {"kunde": "user"},
        "role_key": "wer",
    }
    assert studio.asked[-1] == ("inspect", {"upload": "abc.jsonl", "mapping": mapping})


def test_what_was_found_stays_when_a_mapping_did_not_fit() -> None:
    studio = FakeStudio()
    layout = {**INSPECTION["layout"], "group": "Akte"}
    studio.kept_inspection = {"status": "succeeded", "result": {**INSPECTION, "layout": layout}}
    tab = look(studio)
    tab.selectbox(key="data_map_abc.jsonl_alpaca_answer").select("Frage").run()
    studio.kept_inspection = {"status": "succeeded", "result": UNKNOWN}
    tab.button(key="data_wizard_again").click().run()
    assert "No format is recognised." in texts(tab)

    tab.selectbox(key="data_map_abc.jsonl_alpaca_answer").select("Antwort").run()
    tab.button(key="data_wizard_again").click().run()

    columns = {"group": "Akte", "prompt": "Frage", "answer": "Antwort"}
    assert studio.asked[-1][1]["mapping"] == {"format": "alpaca", "columns": columns}


def test_columns_within_a_list_of_pairs_stay_as_they_were_found() -> None:
    studio = FakeStudio()
    layout = {"format": "question-answer", "confidence": 1.0, "pairs": "Frage"}
    layout |= {"prompt": "question", "answer": "answer"}
    studio.kept_inspection = {"status": "succeeded", "result": {**INSPECTION, "layout": layout}}

    tab = look(studio)

    assert tab.selectbox(key="data_map_abc.jsonl_question-answer_prompt").value == "question"
    assert "data_wizard_import" in keys(tab)


@pytest.mark.parametrize(
    ("shapes", "likely"),
    [
        (("text", "text"), "question-answer"),
        (("text", "number"), "text"),
        (("text", "text", "list of object with role, content"), "messages"),
    ],
)
def test_where_nothing_is_recognised_the_likeliest_format_comes_first(
    shapes: tuple[str, ...], likely: str
) -> None:
    studio = FakeStudio()
    columns = [{"name": f"c{place}", "shape": shape} for place, shape in enumerate(shapes)]
    studio.kept_inspection = {"status": "succeeded", "result": {**UNKNOWN, "columns": columns}}

    tab = look(studio)

    assert tab.selectbox(key="data_map_abc.jsonl_format").value == likely


def test_every_format_can_be_chosen() -> None:
    assert set(PARTS) == set(get_args(Format))


@pytest.mark.parametrize("name", list(PARTS))
def test_no_part_is_sent_that_the_format_does_not_have(name: str) -> None:
    asked, kept = PARTS[name]
    columns = dict.fromkeys((*asked, *kept), "Nirgends")
    mapping = Mapping.model_validate({"format": name, "columns": columns})

    with pytest.raises(DatasetError, match="has no column 'Nirgends'"):
        layout_of(mapping, "faq.csv", [{"Frage": "Wie warm?"}])


def test_a_file_that_is_not_recognised_is_imported_as_its_columns_are_chosen() -> None:
    studio = FakeStudio()
    studio.kept_inspection = {"status": "succeeded", "result": UNKNOWN}
    tab = look(studio)
    assert tab.error[0].value == "No format is recognised."
    assert "not known yet" in texts(tab)
    assert "data_wizard_import" not in keys(tab)
    choose(tab, prompt="Frage", answer="Antwort")
    studio.kept_inspection = {"status": "succeeded", "result": INSPECTION}

    tab.button(key="data_wizard_again").click().run()
    tab.button(key="data_wizard_import").click().run()

    mapping = {"format": "alpaca", "columns": {"prompt": "Frage", "answer": "Antwort"}}
    assert studio.asked[-2:] == [
        ("inspect", {"upload": "abc.jsonl", "mapping": mapping}),
        ("add_dataset", "faq", {"upload": "abc.jsonl", "mapping": mapping}),
    ]


def test_a_file_that_cannot_be_read_says_why_and_can_only_be_let_be() -> None:
    studio = FakeStudio()
    error = {"code": "dataset_refused", "reason": "The file is a ZIP archive."}
    studio.kept_inspection = {"status": "failed", "error": error}

    tab = look(studio)

    assert tab.error[0].value == "The file is a ZIP archive."
    assert {one for one in keys(tab) if one.startswith("data_wizard")} == {"data_wizard_close"}


def test_the_wizard_is_closed_and_nothing_is_imported() -> None:
    studio = FakeStudio()
    tab = look(studio)

    tab.button(key="data_wizard_close").click().run()

    assert "data_wizard_close" not in keys(tab)
    assert [what for what, *_ in studio.asked] == ["upload", "inspect"]


def test_a_refused_import_says_why_and_the_wizard_stays() -> None:
    studio = FakeStudio(datasets=(a_dataset(),))
    tab = look(studio)
    studio.refusal = "The disk is full."

    tab.button(key="data_wizard_import").click().run()

    assert "The disk is full." in texts(tab)
    assert "data_wizard_close" in keys(tab)


def test_while_a_file_is_looked_at_its_place_in_the_queue_is_told() -> None:
    studio = FakeStudio()
    studio.kept_inspection = {"status": "queued"}

    tab = look(studio)

    assert "next in the queue" in texts(tab)
    studio.kept_jobs[0] = studio.kept_jobs[0].model_copy(
        update={"status": "succeeded", "result": INSPECTION}
    )
    tab.run()
    assert "Format: **alpaca** (90% sure)" in texts(tab)
