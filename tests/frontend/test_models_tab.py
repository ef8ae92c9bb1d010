from frontend.words import plain
from tests.frontend.answers import HOSTILE
from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import AppTest, open_tab, texts


def search(tab: AppTest, words: str) -> None:
    tab.text_input(key="models_query").set_value(words)
    next(one for one in tab.button if one.label == "Search").click().run()


def test_nothing_is_asked_of_the_hub_before_somebody_searches() -> None:
    studio = FakeStudio()

    tab = open_tab("models_tab", studio)

    assert studio.asked == []
    assert tab.dataframe[0].value["Model"].to_list() == ["tiny-instruct"]


def test_a_card_shows_downloads_likes_licence_and_gate() -> None:
    tab = open_tab("models_tab", FakeStudio())

    search(tab, "qwen")

    assert "12.3 k downloads · 9 likes" in texts(tab)
    assert "gated: accept its terms on the Hub" in texts(tab)
    assert "mit" in texts(tab)


def test_a_name_from_the_hub_is_shown_letter_by_letter() -> None:
    tab = open_tab("models_tab", FakeStudio())

    search(tab, "qwen")

    assert f"**{plain(HOSTILE)}**" in [one.value for one in tab.markdown]


def test_it_is_said_when_the_hub_is_away() -> None:
    studio = FakeStudio()
    studio.hub_note = "The Hub cannot be reached. What is shown is on this machine."
    tab = open_tab("models_tab", studio)

    search(tab, "qwen")

    assert tab.warning[0].value == studio.hub_note


def test_a_dataset_is_added_under_the_name_given() -> None:
    studio = FakeStudio()
    tab = open_tab("models_tab", studio)
    tab.segmented_control(key="models_kind").set_value("Datasets")
    search(tab, "requests")

    tab.text_input(key="models_name_org/model").set_value("mine")
    next(one for one in tab.button if one.label == "Add").click().run()

    asked = ("add_dataset", "mine", {"hub_id": "org/model", "split": "train"})
    assert asked in studio.asked
    assert "Job #1 imports it" in tab.success[0].value
