from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import open_tab, texts


def test_the_machine_and_its_queues_are_shown() -> None:
    tab = open_tab("system_tab", FakeStudio())

    assert [(one.label, one.value) for one in tab.metric] == [
        ("CrewTune", "0.1.0"),
        ("Free disk", "60 of 100 GiB"),
        ("MLflow", "answers"),
        ("Agents think with", "rules"),
    ]
    assert tab.dataframe[0].value["Waiting"].to_list() == [2]


def test_a_member_is_not_offered_what_admins_may() -> None:
    tab = open_tab("system_tab", FakeStudio())

    assert "People" not in texts(tab)


def test_an_admin_invites_and_sees_the_code_once() -> None:
    studio = FakeStudio(role="admin")
    tab = open_tab("system_tab", studio)

    next(one for one in tab.button if one.label == "Make an invitation").click().run()

    assert ("invite", "member") in studio.asked
    assert "inv_secret" in texts(tab)
    tab.run()
    assert "inv_secret" not in texts(tab)
