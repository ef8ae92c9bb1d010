import json
import time
from itertools import count

import pytest

from crewtune import ApiError, Retry, Unreachable
from tests.sdk.real_studio import Connect, free_port
from tests.sdk.small_server import Exchange, small_server

JOB = {
    "id": "7d1c0c2e-6f0b-4b8a-9d57-0a0b5f0e0001",
    "number": 1,
    "kind": "train",
    "status": "queued",
    "queue": "gpu",
    "position": 0,
    "percent": 0,
    "seconds_left": None,
    "request": {},
    "result": None,
    "error": None,
    "created_at": "2026-11-20T12:00:00Z",
    "started_at": None,
    "ended_at": None,
    "of_a_later_version": True,
}


def test_nothing_there_is_told_with_the_remedy(connect: Connect) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(Unreachable, match="Start the studio with `make up`") as refused:
        connect(url).jobs()

    assert (refused.value.status, refused.value.code) == (0, "unreachable")


def test_reading_is_tried_again_when_the_connection_breaks(connect: Connect) -> None:
    tries = count(1)

    def answer(exchange: Exchange) -> None:
        exchange.hang_up() if next(tries) < 3 else exchange.say(200, JOB)

    with small_server(answer) as server:
        assert connect(server.url).job(JOB["id"]).number == 1  # type: ignore[arg-type]

    assert len(server.asked) == 3


def test_starting_is_tried_again_with_the_same_key(connect: Connect) -> None:
    tries = count(1)

    def answer(exchange: Exchange) -> None:
        exchange.hang_up() if next(tries) < 3 else exchange.say(201, JOB)

    with small_server(answer) as server:
        studio = connect(server.url)
        studio.train("tiny", "chats")
        studio.train("tiny", "chats")

    keys = [one.headers["Idempotency-Key"] for one in server.asked]
    assert keys[0] == keys[1] == keys[2] != keys[3]
    assert json.loads(server.asked[0].body) == {
        "model": "tiny",
        "dataset": "chats",
        "recipe": {},
        "seed": 42,
    }


def test_what_must_happen_once_is_sent_once(connect: Connect) -> None:
    with (
        small_server(Exchange.hang_up) as server,
        pytest.raises(Unreachable, match="broke"),
    ):
        connect(server.url).make_api_key("nightly")

    assert len(server.asked) == 1


def test_a_busy_studio_is_given_the_time_it_asks_for(connect: Connect) -> None:
    tries = count(1)

    def answer(exchange: Exchange) -> None:
        if next(tries) == 1:
            return exchange.problem(503, "unavailable", Retry_After="1")
        return exchange.say(200, [])

    patient = Retry(attempts=2, first_seconds=0.01, longest_seconds=5)
    with small_server(answer) as server:
        since = time.monotonic()
        assert connect(server.url, retry=patient).datasets() == []

    assert time.monotonic() - since >= 1


def test_a_pause_of_a_minute_is_left_to_the_caller(connect: Connect) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.problem(503, "tracking_unavailable", Retry_After="60")

    with small_server(answer) as server, pytest.raises(ApiError, match="tracking_unavailable"):
        connect(server.url).experiments()

    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [503, 500, 429])
def test_an_error_without_a_date_is_told_at_once(status: int, connect: Connect) -> None:
    with (
        small_server(lambda exchange: exchange.problem(status, "trouble")) as server,
        pytest.raises(ApiError, match=r"Because trouble\.") as refused,
    ):
        connect(server.url).datasets()

    assert (refused.value.status, refused.value.code) == (status, "trouble")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "content", "said"),
    [
        (200, "<html>router</html>", "no CrewTune studio"),
        (200, {"jobs": 3}, "no CrewTune studio"),
        (502, "<html>bad gateway</html>", "answered 502 Bad Gateway, and not why"),
        (302, "", "sends elsewhere"),
    ],
)
def test_what_is_no_studio_is_told_so(
    status: int, content: object, said: str, connect: Connect
) -> None:
    with (
        small_server(lambda exchange: exchange.say(status, content)) as server,
        pytest.raises(ApiError, match=said) as refused,
    ):
        connect(server.url).jobs()

    assert refused.value.code == "unexpected_answer"


def test_a_refresh_token_is_never_sent_twice(connect: Connect) -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.path == "/api/auth/refresh":
            return exchange.hang_up()
        if exchange.path == "/api/auth/token":
            return exchange.say(200, {"access_token": "a", "refresh_token": "r"})
        return exchange.problem(401, "invalid_token")

    with (
        small_server(answer) as server,
        pytest.raises(Unreachable),
    ):
        connect(server.url).sign_in("anna", "secret")

    assert [one.path for one in server.asked].count("/api/auth/refresh") == 1


def test_a_proxy_that_is_set_is_not_asked_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, connect: Connect
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    with small_server(lambda exchange: exchange.say(200, [])) as server:
        assert connect(server.url).datasets() == []


def test_a_name_is_one_part_of_the_path_whatever_it_holds(connect: Connect) -> None:
    with (
        small_server(lambda exchange: exchange.problem(404, "not_found")) as server,
        pytest.raises(ApiError),
    ):
        connect(server.url).dataset("../users/me?x#y")

    assert server.asked[0].path == "/api/datasets/..%2Fusers%2Fme%3Fx%23y"


def test_pauses_double_and_differ_up_to_the_longest() -> None:
    retry = Retry(first_seconds=1, longest_seconds=8)

    pauses = [retry.pause(failures) for failures in range(1, 9)]

    assert all(0.5 <= pause <= 8 for pause in pauses)
    assert min(pauses[3:]) >= 4
