import threading
import time

import pytest

from backend.accounts.hashing import Hashing
from backend.errors import Refusal
from backend.security.passwords import Passwords
from tests.backend.api import PASSWORD, ROUNDS


def test_when_five_are_signing_in_the_sixth_is_asked_to_come_back() -> None:
    hashing = Hashing(Passwords(ROUNDS))
    kept = hashing.new_hash(PASSWORD, "anna", pointer="/password")
    come_in, release = [], threading.Event()
    fitted: list[bool] = []
    counted: list[str] = []

    def find_hash() -> str:
        release.wait(10)
        return kept

    def sign_in() -> None:
        come_in.append(1)
        fitted.append(hashing.fits(PASSWORD, find_hash))

    workers = [threading.Thread(target=sign_in) for _ in range(5)]
    for worker in workers:
        worker.start()
    while len(come_in) < 5:
        time.sleep(0.01)
    time.sleep(0.1)  # from there to the door

    with pytest.raises(Refusal) as refused:
        hashing.fits(PASSWORD, lambda: counted.append("the sixth"))
    release.set()
    for worker in workers:
        worker.join(10)

    assert (refused.value.status_code, refused.value.code) == (429, "busy")
    assert int((refused.value.headers or {})["Retry-After"]) > 0
    assert counted == []
    assert fitted == [True] * 5
