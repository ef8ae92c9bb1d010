import time
from itertools import islice

import pytest

from crewtune import ApiError, NotSignedIn, Retry, Studio, Unreachable
from tests.sdk.follower import Follower, numbers
from tests.sdk.real_studio import Connect, RealStudio
from tests.sdk.small_server import Exchange, small_server
from tests.sdk.test_connection import JOB

JOB_ID = str(JOB["id"])


def event(sequence: int, kind: str = "log") -> dict[str, object]:
    final = kind == "succeeded"
    data = {"message": f"Sentence {sequence}."}
    at = "2026-11-20T12:00:00Z"
    return {"sequence": sequence, "at": at, "type": kind, "data": data, "final": final}


def test_events_come_as_they_happen_to_the_end(
    running: RealStudio, anna: Studio, dataset: str
) -> None:
    job = anna.train("tiny", dataset)
    follower = Follower(anna, job.id)
    running.tell(job.id, "One.", "Two.")
    follower.has(4)

    running.succeed(job.id, answer=42)

    events = follower.join()
    assert [one.type for one in events] == ["queued", "started", "log", "log", "succeeded"]
    assert numbers(events) == [1, 2, 3, 4, 5]
    assert events[2].data == {"message": "One."}
    assert anna.wait(job.id).result == {"answer": 42}


def test_a_restart_of_the_studio_is_waited_for_and_nothing_is_lost(
    running: RealStudio, anna: Studio, dataset: str
) -> None:
    job = anna.train("tiny", dataset)
    follower = Follower(anna, job.id)
    running.tell(job.id, "Before.")
    follower.has(3)

    running.stop()
    running.tell(job.id, "While it was away.")
    time.sleep(0.3)
    running.start()
    running.tell(job.id, "After.")
    running.succeed(job.id)

    assert numbers(follower.join()) == [1, 2, 3, 4, 5, 6]


def test_what_was_seen_before_is_not_told_again(
    running: RealStudio, anna: Studio, dataset: str
) -> None:
    job = anna.train("tiny", dataset)
    running.tell(job.id, "One.", "Two.")
    running.succeed(job.id)

    assert numbers(list(anna.follow(job.id, after=3))) == [4, 5]
    assert numbers(anna.events(job.id, after=3)) == [4, 5]
    assert anna.log(job.id) == ["One.", "Two."]


def test_following_a_job_whose_end_was_seen_ends_at_once(
    running: RealStudio, anna: Studio, dataset: str
) -> None:
    job = anna.train("tiny", dataset)
    running.succeed(job.id)

    assert list(anna.follow(job.id, after=3)) == []


def test_who_stops_following_leaves_the_job_alone(
    running: RealStudio, anna: Studio, dataset: str
) -> None:
    job = anna.train("tiny", dataset)
    running.tell(job.id, "One.")

    assert numbers(list(islice(anna.follow(job.id), 2))) == [1, 2]
    assert anna.job(job.id).status == "running"


def test_a_job_of_nobody_is_not_waited_for(running: RealStudio, anna: Studio) -> None:
    with pytest.raises(ApiError) as refused:
        list(anna.follow(JOB_ID))

    assert refused.value.code == "not_found"


def test_cut_connections_are_taken_up_where_they_were_cut(connect: Connect) -> None:
    def answer(exchange: Exchange) -> None:
        if not exchange.path.endswith("/stream"):
            return exchange.say(200, JOB)
        last = int(exchange.headers["Last-Event-ID"])
        exchange.begin_events()
        if last < 6:
            # Two more, the one before them again, and half of a third.
            exchange.send_events(event(max(last, 1)), event(last + 1), event(last + 2))
            exchange.wfile.write(b'event: log\nid: 99\ndata: {"sequence": 99, "at"')
        else:
            exchange.send_events(event(7, "succeeded"))
        return None

    with small_server(answer) as server:
        events = list(connect(server.url).follow(JOB_ID))

    assert numbers(events) == [1, 2, 3, 4, 5, 6, 7]
    lasts = [one.headers["Last-Event-ID"] for one in server.asked if "Last-Event-ID" in one.headers]
    assert lasts == ["0", "2", "4", "6"]


def test_an_end_that_the_stream_did_not_tell_is_found(connect: Connect) -> None:
    ended = {**JOB, "status": "succeeded"}

    def answer(exchange: Exchange) -> None:
        if exchange.path.endswith("/stream"):
            return exchange.begin_events()
        if "/events" in exchange.path:
            return exchange.say(200, [event(1), event(2, "succeeded")])
        return exchange.say(200, ended)

    with small_server(answer) as server:
        assert numbers(list(connect(server.url).follow(JOB_ID))) == [1, 2]


def test_a_token_that_ends_meanwhile_is_renewed_and_following_goes_on(connect: Connect) -> None:
    def answer(exchange: Exchange) -> None:
        signed = exchange.headers["Authorization"]
        if exchange.path.startswith("/api/auth/"):
            fresh = exchange.path.endswith("refresh")
            tokens = {"access_token": "new" if fresh else "old", "refresh_token": "r"}
            exchange.say(200, tokens)
        elif exchange.path.endswith("/users/me"):
            user = {"id": JOB_ID, "username": "anna", "role": "admin", "active": True}
            exchange.say(200, {**user, "created_at": "2026-11-20T12:00:00Z"})
        elif exchange.path.endswith("/stream") and signed == "Bearer old":
            exchange.begin_events()
            exchange.send_events(event(1))
            over = b'{"status":401,"code":"invalid_token","detail":"Sign in again."}'
            exchange.wfile.write(b"event: error\ndata: " + over + b"\n\n")
        elif exchange.path.endswith("/stream"):
            exchange.begin_events()
            exchange.send_events(event(2, "succeeded"))
        else:
            exchange.say(200, JOB)

    with small_server(answer) as server:
        studio = connect(server.url)
        studio.sign_in("anna", "secret")

        assert numbers(list(studio.follow(JOB_ID))) == [1, 2]


def test_a_sign_in_that_is_over_ends_the_following(connect: Connect) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin_events()
        over = b'{"status":401,"code":"invalid_token","detail":"Sign in again."}'
        exchange.wfile.write(b"event: error\ndata: " + over + b"\n\n")

    with small_server(answer) as server, pytest.raises(NotSignedIn, match="Sign in again"):
        list(connect(server.url, api_key="ct_revoked").follow(JOB_ID))


def test_a_studio_that_stays_away_is_not_waited_for_without_end(connect: Connect) -> None:
    retry = Retry(attempts=1, first_seconds=0.01, longest_seconds=0.05, patience_seconds=0.3)
    since = time.monotonic()

    with small_server(Exchange.hang_up) as server, pytest.raises(Unreachable):
        list(connect(server.url, retry=retry).follow(JOB_ID))

    assert 0.3 <= time.monotonic() - since < 5
    assert len(server.asked) > 3


def test_an_event_that_cannot_be_read_is_told(connect: Connect) -> None:
    def answer(exchange: Exchange) -> None:
        exchange.begin_events()
        exchange.wfile.write(b"data: nonsense\n\n")

    with small_server(answer) as server, pytest.raises(ApiError, match="another version"):
        list(connect(server.url).follow(JOB_ID))
