from tests.frontend.screens import AppTest


def test_two_clicks_for_the_same_send_once_and_another_wish_is_sent() -> None:
    def script():
        import streamlit as st

        from frontend.telling import Once
        from tests.frontend.answers import a_job

        sent = st.session_state.setdefault("sent", [])
        once = Once("form", clicked=st.session_state.get("clicked", False))
        if st.session_state.get("clicked"):
            wish = st.session_state["wish"]
            once.send({"wish": wish}, lambda: sent.append(wish) or a_job(len(sent), "train"))

    page = AppTest.from_function(script, default_timeout=20)
    page.session_state["clicked"] = True
    page.session_state["wish"] = "a"
    page.run()
    page.run()
    page.session_state["wish"] = "b"
    page.run()
    assert page.session_state["sent"] == ["a", "b"]

    page.session_state["clicked"] = False
    page.run()
    page.session_state["clicked"] = True
    page.run()
    assert page.session_state["sent"] == ["a", "b", "b"]
