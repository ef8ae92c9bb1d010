import threading
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from backend.main import create_app
from crewtune import ApiError, FileStore, MemoryStore, NotSignedIn, Studio
from tests.sdk.real_studio import PASSWORD, Connect, RealStudio


def test_who_signs_in_is_known(anna: Studio, username: str) -> None:
    me = anna.me()

    assert (me.username, me.role) == (username, "admin")
    assert not anna.registration().setup_needed
    assert anna.healthy()


def test_it_takes_the_client_that_it_is_given(
    running: RealStudio, anna: Studio, username: str
) -> None:
    app = create_app(running.settings, running.engine, clock=running.clock, password_rounds=4)
    with TestClient(app) as client:
        studio = Studio("http://localhost", http=client)

        assert studio.sign_in(username, PASSWORD) == anna.me()


def test_a_wrong_password_is_told_in_the_studios_words(
    running: RealStudio, username: str, connect: Connect
) -> None:
    with pytest.raises(NotSignedIn) as refused:
        connect(running.url).sign_in(username, "horse battery")

    assert refused.value.status == 401
    assert refused.value.request_id
    assert "horse" not in f"{refused.value!r}"


def test_an_expired_token_is_renewed_once_and_nobody_notices(
    running: RealStudio, anna: Studio
) -> None:
    running.clock.move(minutes=16)

    assert anna.me().role == "admin"
    assert anna.jobs().jobs == ()


def test_two_at_once_do_not_sign_each_other_out(
    running: RealStudio, username: str, tmp_path: Path, connect: Connect
) -> None:
    file = tmp_path / "credentials.json"
    connect(running.url, store=FileStore(file, running.url)).sign_in(username, PASSWORD)
    studios = [connect(running.url, store=FileStore(file, running.url)) for _ in range(4)]
    failed: list[ApiError] = []

    def ask(studio: Studio) -> None:
        try:
            studio.me()
        except ApiError as error:
            failed.append(error)

    for _ in range(3):
        running.clock.move(minutes=16)
        threads = [threading.Thread(target=ask, args=(studio,)) for studio in studios]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert failed == []


def test_a_session_that_is_over_says_to_sign_in(running: RealStudio, anna: Studio) -> None:
    running.clock.move(days=15)

    with pytest.raises(NotSignedIn):
        anna.me()


def test_signing_out_forgets_here_and_there(
    running: RealStudio, username: str, connect: Connect
) -> None:
    store = MemoryStore()
    anna = connect(running.url, store=store)
    anna.sign_in(username, PASSWORD)
    kept = store.load()
    assert kept is not None

    anna.sign_out()

    assert store.load() is None
    with pytest.raises(NotSignedIn):
        connect(running.url, store=MemoryStore(kept)).me()


def test_an_api_key_signs_in_until_it_is_revoked(
    running: RealStudio, anna: Studio, connect: Connect
) -> None:
    made = anna.make_api_key("nightly", "read")
    robot = connect(running.url, api_key=made.key.get_secret_value())

    assert robot.me() == anna.me()
    assert [key.name for key in anna.api_keys()] == ["nightly"]
    with pytest.raises(ApiError) as refused:
        robot.add_dataset("chats", hub_id="org/name")
    assert refused.value.status == 403
    anna.revoke_api_key(made.id)
    with pytest.raises(NotSignedIn):
        robot.me()


def test_a_changed_password_keeps_this_session_and_ends_the_others(
    running: RealStudio, anna: Studio, username: str, connect: Connect
) -> None:
    other = connect(running.url)
    other.sign_in(username, PASSWORD)

    anna.change_password(PASSWORD, "a loud river runs south")

    assert anna.me().username == username
    with pytest.raises(NotSignedIn):
        other.me()


def test_an_admin_invites_and_changes_people(running: RealStudio, anna: Studio) -> None:
    invitation = anna.invite("member")
    assert invitation.id in {one.id for one in anna.invitations()}

    ben = anna.register("ben", PASSWORD, invitation.code.get_secret_value())

    assert ben in anna.users()
    assert anna.change_user(ben.id, role="viewer").role == "viewer"
    anna.withdraw_invitation(anna.invite().id)
    assert anna.invitations() == []


def test_an_admin_opens_and_closes_registration(running: RealStudio, anna: Studio) -> None:
    assert anna.open_registration(True).open
    assert not anna.open_registration(False).open


def test_all_that_is_wrong_with_a_request_is_named(running: RealStudio, connect: Connect) -> None:
    with pytest.raises(ApiError) as refused:
        connect(running.url).set_up(running.setup_code, "?", "short")

    assert refused.value.status == 422
    assert refused.value.code == "validation_error"
    assert refused.value.errors[0].pointer == "/username"


@pytest.mark.parametrize(
    "url", ["", "localhost", "ftp://x", "http://", "http://a:b@c", "http://x:99999", "http://x?q"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no address of a studio"):
        Studio(url)


def test_only_one_way_to_sign_in_is_taken() -> None:
    with pytest.raises(ValueError, match="one of"):
        Studio("http://127.0.0.1", token="a", api_key="b")


def test_a_key_that_no_header_can_hold_is_no_key(connect: Connect) -> None:
    with pytest.raises(NotSignedIn, match="characters"):
        connect("http://127.0.0.1:9", api_key="ct_\nä").me()
