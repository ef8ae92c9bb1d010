"""Following a job over a connection that is cut, wherever it is cut."""

from itertools import repeat

import pytest

from crewtune import Retry, Studio
from tests.cutting_proxy import CuttingProxy
from tests.sdk.follower import Follower, every_number
from tests.sdk.real_studio import Connect, RealStudio

pytestmark = pytest.mark.prove

PATIENT = Retry(attempts=3, first_seconds=0.01, longest_seconds=0.05, patience_seconds=60)
TIMES = 6
SENTENCES = [f"Sentence {number}: größer, 更多, 🙂." for number in range(40)]


# In the head of the answer, in the welcome, in the first event, and in later ones.
@pytest.mark.parametrize("after", [0, 1, 100, 250, 300, 400, 555, 1000, 3000, 9000])
@pytest.mark.parametrize("reset", [False, True], ids=["ended", "reset"])
def test_nothing_is_lost_and_nothing_told_twice(
    running: RealStudio, connect: Connect, anna: Studio, dataset: str, after: int, reset: bool
) -> None:
    job = anna.train("tiny", dataset)
    running.tell(job.id, *SENTENCES)
    port = int(running.url.rpartition(":")[2])
    proxy = CuttingProxy(port, iter([after] * TIMES), reset=reset)
    key = anna.make_api_key("follower", "read").key.get_secret_value()
    follower = Follower(connect(proxy.url, api_key=key, retry=PATIENT), job.id)

    follower.has(len(SENTENCES))
    running.tell(job.id, *SENTENCES)
    running.succeed(job.id)

    events = follower.join()
    proxy.close()
    assert every_number(events)
    assert [one.data["message"] for one in events if one.type == "log"] == SENTENCES * 2
    assert events[-1].final
    # Long parts reach the end of the events in fewer streams.
    assert 0 < proxy.cut <= TIMES


def test_streams_that_are_always_cut_still_come_to_the_end(
    running: RealStudio, connect: Connect, anna: Studio, dataset: str
) -> None:
    job = anna.train("tiny", dataset)
    running.tell(job.id, *SENTENCES)
    running.succeed(job.id)
    proxy = CuttingProxy(int(running.url.rpartition(":")[2]), repeat(1500), reset=True)
    key = anna.make_api_key("follower", "read").key.get_secret_value()

    events = Follower(connect(proxy.url, api_key=key, retry=PATIENT), job.id).join()

    proxy.close()
    assert every_number(events)
    assert events[-1].final
