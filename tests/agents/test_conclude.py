from collections.abc import Callable
from dataclasses import replace

import pytest

from agents.conclude import next_command
from agents.desk import Desk
from agents.run_state import RunState
from tools.tracking.store import TrackingStore

LayDesk = Callable[..., Desk]
SERVER = "http://anna:secret@127.0.0.1:5000/mlflow"


@pytest.mark.parametrize(
    ("address", "problem", "shuffled", "command"),
    [
        ("sqlite:////data/mlflow.db", None, False, "make mlflow"),
        (SERVER, None, False, "open http://127.0.0.1:5000"),
        (SERVER, None, True, "make demo"),
        (SERVER, "It does not answer.", False, "make demo RESUME=one"),
    ],
)
def test_what_comes_next_can_be_run(
    empty_desk: LayDesk, address: str, problem: str | None, shuffled: bool, command: str
) -> None:
    desk = empty_desk(shuffle_labels=shuffled)
    desk.studio = replace(desk.studio, store=TrackingStore(tracking_uri=address))
    state = RunState(id="one", job=desk.job, base_name="tiny", base_sha256="ab")

    assert next_command(desk, state, problem) == command
