"""What can be seen of a dataset, and done about it, view by view."""

import pytest

from crewtune import Model, Version
from tests.frontend.answers import HOSTILE, POLICY, a_dataset
from tests.frontend.data_answers import AUDIT
from tests.frontend.data_steps import asked_for, view
from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import AppTest, open_tab, texts


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio(datasets=(a_dataset(),))


def test_findings_are_counted_and_listed_with_their_remedies(studio: FakeStudio) -> None:
    tab = view(studio, "Findings")

    assert {one.label: one.value for one in tab.metric} == {
        "Rows": "25",
        "Usable": "24",
        "Repeats": "1",
        "Private values": "3",
        "Marked by the scan": "1",
    }
    assert "Languages: en 90%, de 10%" in texts(tab)
    assert tab.dataframe[1].value.to_dict("records") == [
        {
            "Row": 3,
            "Severity": "error",
            "Kind": "empty_answer",
            "Field": "messages",
            "What": "The answer is empty.",
            "Remedy": "Write one.",
        }
    ]


def test_findings_are_filtered_by_kind_and_severity(studio: FakeStudio) -> None:
    tab = view(studio, "Findings")

    tab.selectbox(key="data_finding_kind").select("empty_answer (1)")
    tab.selectbox(key="data_finding_severity").select("error").run()

    assert asked_for(studio, "findings") == [
        {"limit": 500},
        {"code": "empty_answer", "severity": "error", "limit": 500},
    ]


def test_a_finding_shows_its_row_and_leads_to_it(studio: FakeStudio) -> None:
    tab = view(studio, "Findings")
    tab.session_state["data_findings"] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    tab.run()
    assert "Row 3" in texts(tab)
    assert "The answer is empty. Write one." in texts(tab)

    tab.button(key="data_finding_jump").click().run()

    assert not tab.exception
    assert tab.session_state["data_view"] == "Rows"
    assert tab.number_input(key="data_row").value == 3
    assert [one.value for one in tab.caption if one.value.startswith("Row ")] == ["Row 3"]


def test_lines_that_a_filter_took_away_are_not_chosen_any_more(studio: FakeStudio) -> None:
    tab = view(studio, "Findings")
    tab.session_state["data_findings"] = {"selection": {"rows": [7], "columns": [], "cells": []}}

    tab.run()

    assert not tab.exception
    assert "data_finding_jump" not in [one.key for one in tab.button]


def test_a_dataset_without_findings_is_praised(studio: FakeStudio) -> None:
    studio.kept_audit = AUDIT.model_copy(update={"findings": (), "counts": {}})

    tab = view(studio, "Findings")

    assert tab.success[0].value == "Nothing is wrong with its rows."


def test_rows_that_are_alike_stand_side_by_side(studio: FakeStudio) -> None:
    tab = view(studio, "Duplicates")
    pairs = tab.selectbox(key="data_pair")
    assert pairs.options == ["Rows 2 and 7, the same", "Rows 4 and 9, 90% alike"]

    pairs.select_index(1).run()

    shown = [one.value for one in tab.caption if one.value.startswith("Row ")]
    assert shown == ["Row 4", "Row 9"]
    assert HOSTILE in [one.value for one in tab.text]


def test_repairs_are_what_the_policy_says_unless_some_are_chosen(studio: FakeStudio) -> None:
    tab = view(studio, "Repairs")

    tab.button(key="data_repair").click().run()

    assert asked_for(studio, "repair") == [("requests", {})]
    assert "Leave out repeats: 1 row left out." in texts(tab)
    assert tab.success[0].value == "25 rows; 24 usable."


def test_chosen_repairs_are_made_in_their_order_with_the_settings_of_the_policy(
    studio: FakeStudio,
) -> None:
    tab = view(studio, "Repairs")

    chosen = ["remove_near_duplicates", "redact", "clean", "deduplicate"]
    tab.multiselect(key="data_steps").set_value(chosen).run()
    tab.button(key="data_repair").click().run()

    steps = [
        {"kind": "clean", "steps": ["encoding", "unicode"]},
        {"kind": "redact", "policy": POLICY["privacy"]},
        {"kind": "deduplicate"},
        {"kind": "remove_near_duplicates", "threshold": 0.8},
    ]
    assert asked_for(studio, "repair") == [("requests", {"steps": steps})]


def test_one_goes_back_to_an_earlier_version(studio: FakeStudio) -> None:
    tab = view(studio, "Repairs")
    made = tab.dataframe[1].value[["Version", "Step", "Rows kept", "Settings"]].values.tolist()
    assert made == [
        ["requests-aaaaaaaaaaaa", "import", 26, "source: faq.csv; format: alpaca"],
        ["requests-0123456789ab", "deduplicate", 25, ""],
    ]
    assert tab.selectbox(key="data_back_to").options == ["requests-aaaaaaaaaaaa"]

    tab.button(key="data_back").click().run()

    assert asked_for(studio, "repair") == [("requests", {"version": "requests-aaaaaaaaaaaa"})]


def test_the_settings_of_a_step_are_told_in_words(studio: FakeStudio) -> None:
    clean = {"kind": "clean", "steps": ["unicode", "white_space"]}
    redact = {"kind": "redact", "policy": {"email": "mask", "phone_region": ""}}
    studio.kept_versions = [
        Version(version="a", made_from=None, step=clean, report={"rows_read": 9}),
        Version(
            version="b", made_from="a", step=redact, report={"rows_kept": 8, "rows_changed": 2}
        ),
    ]

    tab = view(studio, "Repairs")

    columns = ["Step", "Rows kept", "Changed", "Settings"]
    assert tab.dataframe[1].value[columns].values.tolist() == [
        ["clean", 9, 0, "steps: unicode, white space"],
        ["redact", 8, 2, "policy: email mask"],
    ]


def test_a_split_is_seen_before_a_training(studio: FakeStudio) -> None:
    tab = view(studio, "Split")

    tab.button(key="data_rehearse").click().run()

    assert asked_for(studio, "rehearse") == ["requests"]
    assert {one.label: one.value for one in tab.metric} == {
        "To train on": "18 rows",
        "To watch the loss": "2 rows",
        "Held out": "5 rows",
    }
    assert "fit after repairs" in texts(tab)


@pytest.mark.parametrize(
    ("name", "button"), [("Repairs", "data_repair"), ("Split", "data_rehearse")]
)
def test_what_was_done_to_one_dataset_is_not_told_of_another(
    studio: FakeStudio, name: str, button: str
) -> None:
    studio.kept_datasets.append(a_dataset("second"))
    tab = view(studio, name)
    tab.button(key=button).click().run()
    assert "Leave out repeats: 1 row left out" in texts(tab)

    tab.selectbox(key="data_name").select("second").run()

    assert "Leave out repeats: 1 row left out" not in texts(tab)


def test_tokens_of_a_row_are_shown_as_text_in_the_colour_of_what_is_learnt(
    studio: FakeStudio,
) -> None:
    tab = view(studio, "Tokens")

    tab.number_input(key="data_tokens_row").set_value(1)
    tab.button(show_button(tab)).click().run()

    assert asked_for(studio, "preview_tokens") == [
        {"model": "tiny-instruct", "max_length": 1024, "dataset": "requests", "rows": [1]}
    ]
    shown = tab.html[0].value
    assert '<span class="s" title="1">&lt;|im_start|&gt;</span>' in shown
    assert '<span class="l" title="2">&lt;img src=x onerror=alert(1)&gt;' in shown
    assert HOSTILE not in shown
    assert tab.warning[0].value == "The answer is cut away."


def test_tuned_models_have_no_name_to_preview_with(studio: FakeStudio) -> None:
    studio.kept_models.append(Model(name="tiny on requests", kind="tuned"))

    tab = view(studio, "Tokens")

    assert tab.selectbox(key="data_tokens_model").options == ["tiny-instruct"]


def test_a_typed_text_goes_before_the_rows(studio: FakeStudio) -> None:
    tab = view(studio, "Tokens")

    tab.text_area(key="data_tokens_text").set_value("The unit beeps.")
    tab.button(show_button(tab)).click().run()

    assert asked_for(studio, "preview_tokens") == [
        {"model": "tiny-instruct", "max_length": 1024, "text": "The unit beeps."}
    ]


def show_button(tab: AppTest) -> str:
    [key] = [one.key for one in tab.button if one.label == "Show the tokens"]
    return str(key)


def test_the_card_is_shown_as_it_is_and_can_be_kept(studio: FakeStudio) -> None:
    tab = view(studio, "Card")

    assert tab.code[0].value == f"# {HOSTILE}"
    assert tab.json[0].value == '{"rows_read": 25}'
    [button] = tab.download_button
    assert button.label == "Download"


def test_one_row_is_looked_up_by_its_number(studio: FakeStudio) -> None:
    tab = open_tab("data_tab", studio)

    tab.number_input(key="data_row").set_value(17).run()

    assert [one.value for one in tab.caption if one.value.startswith("Row ")] == ["Row 17"]


def test_a_page_that_another_dataset_has_not_is_left(studio: FakeStudio) -> None:
    studio.kept_datasets.append(a_dataset("small").model_copy(update={"rows": 5}))
    tab = open_tab("data_tab", studio)
    tab.number_input(key="data_page").set_value(3).run()

    tab.selectbox(key="data_name").select("small").run()

    assert not tab.exception
    assert tab.number_input(key="data_page").value == 1
