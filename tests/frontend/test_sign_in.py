from tests.frontend.fake_studio import FakeStudio
from tests.frontend.screens import AppTest, texts


def open_screen(client: FakeStudio) -> AppTest:
    def script(client):
        import streamlit as st

        from frontend import sign_in

        if sign_in.render(client):
            st.write("You are in.")

    screen = AppTest.from_function(script, default_timeout=20, args=(client,)).run()
    assert not screen.exception
    return screen


def press(screen: AppTest, label: str) -> None:
    next(one for one in screen.button if one.label == label).click().run()


def test_the_first_account_needs_the_setup_code() -> None:
    studio = FakeStudio()
    studio.setup_needed = True
    screen = open_screen(studio)

    screen.text_input(key="signin_setup_code").set_value(" code ")
    screen.text_input(key="signin_setup_username").set_value("anna")
    screen.text_input(key="signin_setup_password").set_value("four unrelated words")
    press(screen, "Make the account")

    assert studio.asked == [
        ("set_up", "code", "anna", "four unrelated words"),
        ("sign_in", "anna", "four unrelated words"),
    ]
    assert "You are in." in texts(screen)


def test_a_wrong_password_is_told_as_the_api_tells_it() -> None:
    studio = FakeStudio(refusal="The username or the password is wrong.")
    screen = open_screen(studio)

    press(screen, "Sign in")

    assert [one.value for one in screen.error] == ["The username or the password is wrong."]
    assert "You are in." not in texts(screen)


def test_an_invitation_makes_an_account() -> None:
    studio = FakeStudio()
    screen = open_screen(studio)

    screen.text_input(key="signin_invitation").set_value("inv_1")
    screen.text_input(key="signin_register_username").set_value("ben")
    screen.text_input(key="signin_register_password").set_value("four unrelated words")
    press(screen, "Make the account")

    assert studio.asked[0] == ("register", "ben", "four unrelated words", "inv_1")
    assert "You are in." in texts(screen)
