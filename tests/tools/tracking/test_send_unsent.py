from collections.abc import Callable
from pathlib import Path

import pytest

from tools.errors import TrackingError
from tools.progress import Cancelled, NoProgress
from tools.tracking.live_run import RunStatus
from tools.tracking.metrics_file import read_link
from tools.tracking.mlflow_run import RunDescription
from tools.tracking.record_run import record_run
from tools.tracking.send_unsent import note_unsent, send_unsent
from tools.tracking.show_live import show_live
from tools.tracking.store import TrackingStore

History = Callable[[TrackingStore, str | None, str], list[tuple[int, float]]]


def train(store: TrackingStore, run_folder: Path, about: RunDescription, steps: int = 5) -> None:
    with show_live(NoProgress(), store, run_folder, about=about) as progress:
        for step in range(steps):
            progress.metric("loss", 1 / (step + 1), step)
        if steps == 3:
            raise Cancelled("Stopped on request.")


def status_of(store: TrackingStore, run_folder: Path) -> RunStatus:
    run_id = read_link(run_folder).mlflow_run_id
    assert run_id is not None
    status: RunStatus = store.client().get_run(run_id).info.status
    return status


def noted(run_folder: Path) -> bool:
    return (run_folder / "unsent.json").exists()


def test_what_a_dead_server_missed_is_sent_when_there_is_one(
    dead_store: TrackingStore,
    store: TrackingStore,
    run_folder: Path,
    about: RunDescription,
    history: History,
) -> None:
    train(dead_store, run_folder, about)
    assert noted(run_folder)

    assert send_unsent(store, run_folder) == 5

    link = read_link(run_folder)
    assert history(store, link.mlflow_run_id, "loss") == [(s, 1 / (s + 1)) for s in range(5)]
    assert status_of(store, run_folder) == "FINISHED"
    assert not noted(run_folder)
    assert send_unsent(store, run_folder) == 0


def test_a_cancelled_training_stays_cancelled(
    dead_store: TrackingStore, store: TrackingStore, run_folder: Path, about: RunDescription
) -> None:
    with pytest.raises(Cancelled):
        train(dead_store, run_folder, about, steps=3)

    send_unsent(store, run_folder)

    assert status_of(store, run_folder) == "KILLED"


def test_a_training_that_mlflow_has_leaves_no_note(
    store: TrackingStore, run_folder: Path, about: RunDescription
) -> None:
    train(store, run_folder, about)

    assert not noted(run_folder)


def test_the_final_record_brings_in_what_waited(
    dead_store: TrackingStore, store: TrackingStore, run_folder: Path, about: RunDescription
) -> None:
    train(dead_store, run_folder, about)

    record_run(store, run_folder, about=about, metrics={}, artifacts={})

    assert not noted(run_folder)


def test_a_server_that_is_still_away_loses_nothing(
    dead_store: TrackingStore, run_folder: Path, about: RunDescription
) -> None:
    train(dead_store, run_folder, about)

    with pytest.raises(TrackingError, match="does not answer"):
        send_unsent(dead_store, run_folder)

    assert noted(run_folder)


def test_a_damaged_note_is_told(
    store: TrackingStore, run_folder: Path, about: RunDescription
) -> None:
    run_folder.mkdir(parents=True)
    note_unsent(run_folder, about, "FINISHED")
    (run_folder / "unsent.json").write_text("{", encoding="utf-8")

    with pytest.raises(TrackingError, match=r"'unsent\.json' of this run cannot be read"):
        send_unsent(store, run_folder)
