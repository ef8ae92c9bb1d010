"""What is to be done with what is found in a dataset, chosen on the screen."""

import pytest

from tests.frontend.answers import HOSTILE, POLICY, a_dataset
from tests.frontend.data_steps import asked_for, view
from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import texts
from tools.data.data_policy import DataPolicy
from tools.data.privacy.kinds import PrivacyPolicy


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio(datasets=(a_dataset(),))


def test_a_policy_is_tried_on_rows_before_it_is_kept(studio: FakeStudio) -> None:
    tab = view(studio, "Policy")
    tab.selectbox(key="data_policy_email_requests").select("pseudonymise")
    tab.multiselect(key="data_policy_cleaning_requests").set_value(["unicode"])
    tab.selectbox(key="data_policy_marked_requests").select("drop_row").run()

    privacy = {**POLICY["privacy"], "email": "pseudonymise"}
    wanted = {**POLICY, "privacy": privacy, "cleaning": ["unicode"], "marked": "drop_row"}
    assert asked_for(studio, "changes")[-1] == ("requests", wanted)
    assert asked_for(studio, "set_policy") == []
    assert "Row 3" in texts(tab)
    assert [one.value for one in tab.text] == [HOSTILE, "[EMAIL]"]

    tab.button(key="data_policy_keep").click().run()

    assert asked_for(studio, "set_policy") == [("requests", wanted)]
    assert "It holds for every training" in tab.success[0].value


def test_every_setting_of_a_policy_can_be_changed(studio: FakeStudio) -> None:
    tab = view(studio, "Policy")
    tab.text_input(key="data_policy_name_pipeline_requests").set_value("en_core_web_sm ")
    tab.text_input(key="data_policy_phone_region_requests").set_value("US")
    tab.number_input(key="data_policy_near_threshold_requests").set_value(0.9)
    tab.selectbox(key="data_policy_contaminated_requests").select("ask").run()

    tab.button(key="data_policy_keep").click().run()

    privacy = {**POLICY["privacy"], "name_pipeline": "en_core_web_sm", "phone_region": "US"}
    wanted = {**POLICY, "privacy": privacy, "near_threshold": 0.9, "contaminated": "ask"}
    assert asked_for(studio, "set_policy") == [("requests", wanted)]


def test_the_policy_has_a_field_for_every_setting(studio: FakeStudio) -> None:
    tab = view(studio, "Policy")

    drawn = [*tab.selectbox, *tab.multiselect, *tab.text_input, *tab.number_input]
    privacy = set(PrivacyPolicy.model_fields)
    settings = (set(DataPolicy.model_fields) - {"privacy"}) | privacy
    assert {f"data_policy_{one}_requests" for one in settings} <= {one.key for one in drawn}


def test_a_row_that_the_policy_leaves_out_is_told_so(studio: FakeStudio) -> None:
    studio.kept_changes = [studio.kept_changes[0].model_copy(update={"after": None})]

    tab = view(studio, "Policy")

    assert "left out" in [one.value for one in tab.caption]


def test_the_benchmarks_of_a_policy_are_chosen_among_the_other_datasets(
    studio: FakeStudio,
) -> None:
    studio.kept_datasets.append(a_dataset("exam"))
    tab = view(studio, "Policy")

    chosen = tab.multiselect(key="data_policy_benchmarks_requests")
    assert chosen.options == ["exam"]
    chosen.set_value(["exam"]).run()

    assert asked_for(studio, "changes")[-1][1]["benchmarks"] == ["exam"]


def test_a_policy_that_is_refused_says_why(studio: FakeStudio) -> None:
    tab = view(studio, "Policy")
    studio.refusal = "You have no dataset 'exam'."

    tab.button(key="data_policy_keep").click().run()

    assert tab.error[0].value == "You have no dataset 'exam'."
