from crewtune import Experiment
from tests.frontend.answers import NOW
from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import AppTest, open_tab, texts


def runs() -> list[Experiment]:
    return [
        Experiment(
            run_id=f"run{number}",
            name=f"training-{number}",
            status="FINISHED",
            started_at=NOW,
            params={"r": str(8 * number), "seed": "42"},
            metrics={"loss": 0.1 * number},
            url=f"http://127.0.0.1:5000/#/runs/{number}",
        )
        for number in (1, 2)
    ]


def test_without_a_run_it_is_said_what_to_do() -> None:
    tab = open_tab("experiments_tab", FakeStudio())

    assert "Start one under Training or Crew" in tab.info[0].value


def test_the_runs_are_listed_with_their_figures() -> None:
    studio = FakeStudio()
    studio.runs = runs()

    tab = open_tab("experiments_tab", studio)

    assert tab.dataframe[0].value["Loss"].to_list() == [0.1, 0.2]
    assert "Select two or more runs" in texts(tab)


def test_two_runs_are_compared_by_what_differs() -> None:
    def script(client, runs):
        from frontend.tabs.experiments_tab import draw_comparison

        draw_comparison(client, runs)

    studio = FakeStudio()
    tab = AppTest.from_function(script, default_timeout=20, args=(studio, runs())).run()

    assert ("curves", ("run1", "run2"), "loss") in studio.asked
    params = tab.dataframe[0].value
    assert params.to_dict("records") == [{"": "r", "training-1": "8", "training-2": "16"}]
