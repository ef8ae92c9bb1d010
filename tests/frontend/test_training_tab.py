import pytest

from tests.frontend.answers import COMPARED, GATE, a_dataset, a_job
from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import AppTest, open_tab, texts

REQUESTS = a_dataset()


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio(datasets=(REQUESTS,))


def recommended(studio: FakeStudio) -> AppTest:
    tab = open_tab("training_tab", studio)
    return tab.button(key="training_recommend").click().run()


def queue_of(studio: FakeStudio) -> AppTest:
    """Return the tab with its second part open."""

    def script(client):
        import streamlit as st

        from frontend.tabs import training_tab

        st.session_state["training_view"] = "Queue and curves"
        training_tab.render(client)

    screen = AppTest.from_function(script, default_timeout=20, args=(studio,)).run()
    assert not screen.exception
    return screen


def test_without_a_dataset_it_is_said_what_to_do() -> None:
    tab = open_tab("training_tab", FakeStudio())

    assert tab.info[0].value == "You need a dataset first. Upload one under Data."


def test_every_value_of_the_recipe_stands_beside_its_reason(studio: FakeStudio) -> None:
    tab = recommended(studio)

    rows = tab.table[0].value.to_dict("records")
    assert {"Field": "r", "Value": "16", "Why": "16 is enough for 800 rows."} in rows
    assert len(rows) == 7


def test_the_recipe_is_shown_as_a_file_and_as_a_command(studio: FakeStudio) -> None:
    tab = recommended(studio)

    tab.number_input(key="training_recipe_learning_rate").set_value(0.001).run()

    assert "learning_rate: 0.001" in tab.code[0].value
    assert tab.code[1].value == "crewtune train tiny-instruct requests --set learning_rate=0.001"


def test_a_value_that_is_one_of_a_few_is_chosen_among_those_of_the_studio(
    studio: FakeStudio,
) -> None:
    tab = recommended(studio)

    assert tab.selectbox(key="training_recipe_lr_scheduler_type").options == ["cosine", "linear"]


def test_a_training_starts_with_the_values_that_were_changed(studio: FakeStudio) -> None:
    tab = recommended(studio)

    tab.number_input(key="training_recipe_r").set_value(8)
    tab.text_input(key="training_recipe_target_modules").set_value("q_proj, v_proj").run()
    tab.button(key="training_start").click().run()

    changed = {"r": 8, "target_modules": ["q_proj", "v_proj"]}
    assert ("train", "tiny-instruct", "requests", changed, 42) in studio.asked


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ('[{"name": "length", "most": 9}]', {"rewards": [{"name": "length", "most": 9}]}),
        ("short ones", {"rewards": "short ones"}),  # which the studio refuses in its own words
        ("", {}),
    ],
)
def test_rewards_are_written_as_json(
    studio: FakeStudio, written: str, sent: dict[str, object]
) -> None:
    tab = recommended(studio)

    tab.text_input(key="training_recipe_rewards").set_value(written).run()
    tab.button(key="training_start").click().run()

    assert ("train", "tiny-instruct", "requests", sent, 42) in studio.asked


def test_a_refused_training_shows_the_refusal_and_keeps_the_fields(studio: FakeStudio) -> None:
    tab = recommended(studio)
    tab.number_input(key="training_recipe_r").set_value(8).run()
    studio.refusal = "One field is invalid."

    tab.button(key="training_start").click().run()

    assert tab.error[0].value == "One field is invalid."
    assert tab.number_input(key="training_recipe_r").value == 8


def test_too_little_memory_is_told_before_the_start(studio: FakeStudio) -> None:
    tab = recommended(studio)
    recommendation = studio.kept_jobs[0]
    result = {**(recommendation.result or {}), "fits": False, "estimated_memory_gib": 99.0}
    studio.kept_jobs[0] = recommendation.model_copy(update={"result": result})

    tab.run()

    assert "99.0 GiB" in tab.warning[0].value


def test_the_queue_shows_place_and_time_left() -> None:
    jobs = (
        a_job(3, "train", position=1),
        a_job(2, "train", "running", percent=40, seconds_left=95),
    )

    tab = queue_of(FakeStudio(jobs=jobs))

    rows = tab.dataframe[0].value
    assert rows["Time left"].to_list() == ["", "1 min 35 s"]
    assert rows["Place in the queue"].to_list() == ["2", ""]
    assert "Job #3 · 1 before it in the queue" in texts(tab)


def test_a_failed_training_says_why_and_can_be_resumed() -> None:
    error = {"code": "out_of_memory", "reason": "Make max_length smaller."}
    failed = a_job(1, "train", "failed", error=error)
    studio = FakeStudio(jobs=(failed,))
    tab = queue_of(studio)
    assert tab.error[0].value == "Make max\\_length smaller. (out\\_of\\_memory)"

    tab.button(key="training_resume").click().run()

    assert ("resume", str(failed.id)) in studio.asked
    resumed = next(job for job in studio.kept_jobs if job.id != failed.id)
    assert tab.selectbox(key="training_job").value == str(resumed.id)


def test_a_running_training_can_be_cancelled() -> None:
    job = a_job(1, "train", "running")
    studio = FakeStudio(jobs=(job,))
    tab = queue_of(studio)

    tab.button(key="training_cancel").click().run()

    assert ("cancel", str(job.id)) in studio.asked


def test_each_event_is_asked_for_once_and_a_repeated_step_replaces_the_old() -> None:
    studio = FakeStudio(jobs=(a_job(1, "train", "running"),))
    studio.say("metric", name="loss", value=4.0, step=5)
    studio.say("log", message="Reading <b>rows</b>.")
    tab = queue_of(studio)

    studio.say("metric", name="loss", value=3.0, step=5)
    tab.run()

    assert [one for one in studio.asked if one[0] == "events"] == [("events", 0), ("events", 2)]
    feed = tab.session_state["feeds"][str(studio.kept_jobs[0].id)]
    assert feed.metrics == {"loss": {5: 3.0}}
    assert "Reading <b>rows</b>." in tab.code[0].value
    assert "**Loss**" in texts(tab)


def test_a_training_that_succeeded_is_compared_with_its_base() -> None:
    job = a_job(1, "train", "succeeded")
    studio = FakeStudio(jobs=(job,))
    tab = queue_of(studio)

    tab.button(key="training_evaluate").click().run()

    assert ("evaluate", str(job.id)) in studio.asked


def test_a_comparison_shows_its_figures_and_the_gate() -> None:
    compared = {"against_base": [COMPARED], "primary_metric": COMPARED["metric"]}
    result = {"compared": compared, "gate": GATE}
    job = a_job(1, "evaluate", "succeeded", request={"training": "x"}, result=result)

    tab = queue_of(FakeStudio(jobs=(job,)))

    assert tab.dataframe[1].value["Difference"].to_list() == ["+0.948"]
    assert tab.dataframe[1].value["Decides"].to_list() == ["yes"]
    assert "155 held-out rows were compared." in texts(tab)
