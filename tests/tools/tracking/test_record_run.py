import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.errors import TrackingError
from tools.tracking.metrics_file import read_link
from tools.tracking.mlflow_run import KEY_TAG, RunDescription
from tools.tracking.record_run import RecordReport, record_run
from tools.tracking.store import TrackingStore


@pytest.fixture
def content(tmp_path: Path, about: RunDescription) -> dict[str, Any]:
    adapter, verdict = tmp_path / "made" / "adapter", tmp_path / "made" / "verdict.json"
    adapter.mkdir(parents=True)
    (adapter / "adapter_config.json").write_text("{}")
    verdict.write_text('{"verdict": "better"}')
    return {
        "about": about.model_copy(update={"params": {"r": 16, "target_modules": "x" * 9000}}),
        "metrics": {"exact_match": 0.75, "loss": math.nan, "worst": math.inf},
        "artifacts": {"adapter": adapter, "verdict.json": verdict, "evaluation": verdict},
    }


def test_a_run_without_a_live_part_is_recorded_whole(
    store: TrackingStore, run_folder: Path, content: dict[str, Any]
) -> None:
    run_folder.mkdir(parents=True)

    report = record_run(store, run_folder, **content)

    assert report == RecordReport(
        mlflow_run_id=report.mlflow_run_id,
        experiment=store.experiment,
        metrics_logged=3,
        artifacts=("adapter", "verdict.json", "evaluation"),
    )
    client = store.client()
    run = client.get_run(report.mlflow_run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["r"] == "16"
    assert run.data.metrics["exact_match"] == 0.75
    assert run.data.tags["goal"] == "sort requests"
    assert run.data.tags["dataset_sha256"] == "ab" * 32
    assert [file.path for file in client.list_artifacts(report.mlflow_run_id)] == [
        "adapter",
        "evaluation",
        "verdict.json",
    ]
    inside = client.list_artifacts(report.mlflow_run_id, "adapter")
    assert [file.path for file in inside] == ["adapter/adapter_config.json"]


def test_recording_twice_changes_nothing(
    store: TrackingStore,
    run_folder: Path,
    content: dict[str, Any],
    history: Callable[..., list[tuple[int, float]]],
) -> None:
    run_folder.mkdir(parents=True)

    first, second = (record_run(store, run_folder, **content) for _ in range(2))

    assert first == second
    for name in content["metrics"]:
        assert len(history(store, first.mlflow_run_id, name)) == 1
    run = store.client().get_run(first.mlflow_run_id)
    assert run.inputs
    assert len(run.inputs.dataset_inputs) == 1


def test_a_run_that_was_deleted_is_made_again(
    store: TrackingStore, run_folder: Path, content: dict[str, Any]
) -> None:
    run_folder.mkdir(parents=True)
    (run_folder / "metrics.jsonl").write_text(
        '{"name": "loss", "value": 1.0, "step": 1, "time": 1767268800000}\n'
    )
    first = record_run(store, run_folder, **content)
    store.client().delete_run(first.mlflow_run_id)

    second = record_run(store, run_folder, **content)

    assert second.mlflow_run_id != first.mlflow_run_id
    assert second.metrics_logged == first.metrics_logged == 4


def test_of_two_runs_made_for_one_folder_one_stays(
    store: TrackingStore, run_folder: Path, content: dict[str, Any]
) -> None:
    run_folder.mkdir(parents=True)
    key = read_link(run_folder).key
    opened = store.open()
    for _ in range(2):
        opened.client.create_run(opened.experiment_id, tags={KEY_TAG: key})

    report = record_run(store, run_folder, **content)

    runs = opened.client.search_runs([opened.experiment_id])
    assert [run.info.run_id for run in runs] == [report.mlflow_run_id]


def test_a_missing_artifact_is_named(
    store: TrackingStore, run_folder: Path, content: dict[str, Any]
) -> None:
    content["artifacts"] = {"report.html": run_folder / "report.html"}

    with pytest.raises(TrackingError, match=r"report\.html is not there"):
        record_run(store, run_folder, **content)


def test_a_dead_server_is_told(
    dead_store: TrackingStore, run_folder: Path, content: dict[str, Any]
) -> None:
    run_folder.mkdir(parents=True)

    with pytest.raises(TrackingError, match="the MLflow server does not answer"):
        record_run(dead_store, run_folder, **content)


def test_a_damaged_metrics_file_is_told(
    store: TrackingStore, run_folder: Path, content: dict[str, Any]
) -> None:
    run_folder.mkdir(parents=True)
    (run_folder / "metrics.jsonl").write_text('{"name": "loss"}\n')

    with pytest.raises(TrackingError, match=r"'metrics.jsonl' of this run is damaged"):
        record_run(store, run_folder, **content)
