import threading

import pytest

from backend.security.one_at_a_time import Busy, OneAtATime


def test_one_works_four_wait_and_the_sixth_is_turned_away() -> None:
    door, release = OneAtATime(waiting=4), threading.Event()
    inside = threading.Event()
    at_once, most = 0, 0

    def work() -> None:
        nonlocal at_once, most
        with door.turn():
            at_once += 1
            most = max(most, at_once)
            inside.set()
            release.wait(10)
            at_once -= 1

    workers = [threading.Thread(target=work) for _ in range(5)]
    for worker in workers:
        worker.start()
    assert inside.wait(10)
    while door._places._value > 0:  # all five have come in
        pass

    with pytest.raises(Busy), door.turn():
        pass
    release.set()
    for worker in workers:
        worker.join(10)
    assert most == 1
    with door.turn():
        pass


def test_a_failure_gives_the_place_back() -> None:
    door = OneAtATime(waiting=0)

    for _ in range(3):
        with pytest.raises(ZeroDivisionError), door.turn():
            raise ZeroDivisionError
