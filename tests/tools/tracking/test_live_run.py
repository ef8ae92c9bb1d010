import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.errors import TrackingError
from tools.tracking.live_run import LiveRun, LiveRunReport
from tools.tracking.metrics_file import read_lines
from tools.tracking.mlflow_run import RunDescription
from tools.tracking.record_run import record_run
from tools.tracking.store import TrackingStore

History = Callable[[TrackingStore, str | None, str], list[tuple[int, float]]]


def test_metrics_reach_mlflow_and_the_run_folder(
    store: TrackingStore,
    start: Callable[[TrackingStore], LiveRun],
    run_folder: Path,
    history: History,
) -> None:
    live = start(store)
    for step in range(1, 4):
        live.metric("loss", 3.0 / step, step)
    report = live.close(within_seconds=60)

    assert report == LiveRunReport(
        mlflow_run_id=report.mlflow_run_id, metrics_logged=3, metrics_waiting=0, problem=None
    )
    assert history(store, report.mlflow_run_id, "loss") == [(1, 3.0), (2, 1.5), (3, 1.0)]
    lines = (run_folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2, 3]
    run = store.client().get_run(report.mlflow_run_id or "")
    assert (run.info.run_name, run.info.status) == ("tiny", "FINISHED")
    assert run.data.params == {"learning_rate": "0.0002"}
    assert run.inputs
    assert run.inputs.dataset_inputs[0].dataset.name == "requests"


def test_a_value_that_is_no_number_is_a_value(
    store: TrackingStore, start: Callable[[TrackingStore], LiveRun], history: History
) -> None:
    live = start(store)
    live.metric("loss", math.nan, 1)
    live.metric("gradient norm (max)", math.inf, 1)
    report = live.close(within_seconds=60)

    assert report.metrics_waiting == 0
    assert math.isnan(history(store, report.mlflow_run_id, "loss")[0][1])
    assert history(store, report.mlflow_run_id, "gradient norm _max_")[0][1] > 1e300


def test_a_resumed_run_is_the_same_run_and_repeats_no_step(
    store: TrackingStore, start: Callable[[TrackingStore], LiveRun], history: History
) -> None:
    first = start(store)
    for step in (1, 2, 3):
        first.metric("loss", step, step)
    before = first.close("KILLED", within_seconds=60)

    second = start(store)
    for step in (3, 4, 5):
        second.metric("loss", step, step)
    after = second.close(within_seconds=60)

    assert after == before.model_copy(update={"metrics_logged": 5})
    assert history(store, after.mlflow_run_id, "loss") == [(n, float(n)) for n in range(1, 6)]
    run = store.client().get_run(after.mlflow_run_id or "")
    assert run.info.status == "FINISHED"


def test_a_line_torn_by_a_kill_is_cut_off(
    store: TrackingStore,
    start: Callable[[TrackingStore], LiveRun],
    run_folder: Path,
    history: History,
) -> None:
    run_folder.mkdir(parents=True)
    whole = '{"name": "loss", "value": 1.0, "step": 1, "time": 1767268800000}\n'
    (run_folder / "metrics.jsonl").write_text(whole + '{"name": "lo')

    live = start(store)
    live.metric("loss", 2.0, 2)
    report = live.close(within_seconds=60)

    assert history(store, report.mlflow_run_id, "loss") == [(1, 1.0), (2, 2.0)]
    assert [line.step for line in read_lines(run_folder)] == [1, 2]


@pytest.mark.parametrize("fault", ["dead_store", "hanging_store"])
def test_training_goes_on_without_the_server_and_nothing_is_lost(
    fault: str,
    request: pytest.FixtureRequest,
    store: TrackingStore,
    start: Callable[[TrackingStore], LiveRun],
    run_folder: Path,
    about: RunDescription,
    history: History,
) -> None:
    live = start(request.getfixturevalue(fault))
    for step in range(500):
        # The other side never answers, so returning at all is the proof.
        live.metric("loss", float(step), step)
    report = live.close("FAILED", within_seconds=1)

    assert (report.mlflow_run_id, report.metrics_logged, report.metrics_waiting) == (None, 0, 500)
    assert report.problem
    assert len((run_folder / "metrics.jsonl").read_text().splitlines()) == 500
    for _ in range(2):
        run_id = record_run(
            store, run_folder, about=about, metrics={"exact_match": 0.75}, artifacts={}
        ).mlflow_run_id
        assert history(store, run_id, "loss") == [(step, float(step)) for step in range(500)]
        assert history(store, run_id, "exact_match") == [(499, 0.75)]
    assert len(store.client().search_runs([store.open().experiment_id])) == 1


def test_a_folder_that_cannot_be_written_is_told_at_once(
    tmp_path: Path, store: TrackingStore, about: RunDescription
) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(TrackingError, match="metrics of this run cannot be written: Not a dir"):
        LiveRun.start(store, tmp_path / "file" / "run", about=about)
