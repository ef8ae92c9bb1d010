from tests.frontend.answers import HOSTILE, VERDICT, a_dataset, a_job
from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import open_tab, texts

REQUESTS = a_dataset()
GOAL = "Answer requests as JSON."


def test_without_a_run_it_is_said_what_to_do() -> None:
    tab = open_tab("crew_tab", FakeStudio(datasets=(REQUESTS,)))

    assert "Say a goal above" in tab.info[0].value


def test_a_goal_starts_the_crew() -> None:
    studio = FakeStudio(datasets=(REQUESTS,))
    tab = open_tab("crew_tab", studio)

    tab.text_area(key="crew_goal").set_value(GOAL)
    tab.button[0].click().run()

    given = {"shuffle_labels": False, "seed": 42}
    assert ("start_crew", "tiny-instruct", "requests", GOAL, given) in studio.asked


def test_an_empty_goal_is_asked_for() -> None:
    studio = FakeStudio(datasets=(REQUESTS,))
    tab = open_tab("crew_tab", studio)

    tab.button[0].click().run()

    assert tab.warning[0].value == "Say what the model is for."
    assert studio.asked == []


def test_the_agents_show_who_is_done_and_who_works() -> None:
    job = a_job(1, "crew", "running", percent=30)

    tab = open_tab("crew_tab", FakeStudio(jobs=(job,), datasets=(REQUESTS,)))

    said = texts(tab)
    assert "rules · 1 tool call · under 1 s" in said
    assert said.count("working") == 1
    assert said.count("waiting") == 2
    assert [one.label for one in tab.expander] == ["Receipt of the Data Manager"]


def test_a_receipt_tells_the_prompt_as_text() -> None:
    job = a_job(1, "crew", "running")

    tab = open_tab("crew_tab", FakeStudio(jobs=(job,), datasets=(REQUESTS,)))

    assert f"Prepare the dataset. {HOSTILE}" in [one.value for one in tab.code]
    assert HOSTILE not in "".join(one.value for one in tab.markdown)


def test_the_verdict_is_shown_with_its_figures() -> None:
    job = a_job(1, "crew", "succeeded", result={"run": "x", "verdict": VERDICT})

    tab = open_tab("crew_tab", FakeStudio(jobs=(job,), datasets=(REQUESTS,)))

    assert tab.dataframe[0].value["95 % interval"].to_list() == ["+0.910 to +0.980"]
    assert "Registered as tiny-requests, version 1 (champion)." in texts(tab)
