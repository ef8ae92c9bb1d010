import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from tools.errors import TrackingError
from tools.tracking.store import TrackingStore


def new_store(folder: Path) -> TrackingStore:
    return TrackingStore(tracking_uri=f"sqlite:///{folder / 'data' / 'mlflow.db'}")


def test_a_new_store_is_complete_and_silent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    opened = new_store(tmp_path).open()

    experiment = opened.client.get_experiment(opened.experiment_id)
    assert experiment.name == "crewtune"
    assert experiment.artifact_location == (tmp_path / "data" / "mlruns" / "crewtune").as_uri()
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["mlflow.db"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_process_killed_while_it_makes_the_store_does_no_harm(
    tmp_path: Path, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    store = new_store(tmp_path)
    opening = f"TrackingStore(tracking_uri={store.tracking_uri!r}).open()"
    program = f"from tools.tracking.store import TrackingStore; {opening}"
    process = subprocess.Popen([sys.executable, "-c", program])
    wait_until(lambda: any(tmp_path.glob("data/.mlflow-*/new.db")))
    process.kill()
    process.wait()

    assert not (tmp_path / "data" / "mlflow.db").exists()
    assert store.open().experiment_id


def test_two_who_open_a_new_store_at_once_share_it(tmp_path: Path) -> None:
    store = new_store(tmp_path)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: store.open().experiment_id, range(2))

    assert first == second


def test_a_deleted_experiment_comes_back(store: TrackingStore) -> None:
    opened = store.open()
    opened.client.delete_experiment(opened.experiment_id)

    assert store.open().experiment_id == opened.experiment_id
    assert store.client().get_experiment(opened.experiment_id).lifecycle_stage == "active"


def test_a_file_that_is_no_database_is_refused_in_plain_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mlflow.db").write_text("This is not a database. " * 100)

    with pytest.raises(TrackingError) as caught:
        new_store(tmp_path).client()

    assert "the MLflow database is locked, damaged" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_dead_server_is_told_without_its_password(
    dead_store: TrackingStore, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TrackingError) as caught:
        dead_store.client()

    assert str(caught.value) == (
        "The experiment store cannot be opened: the MLflow server does not answer. Is it running?"
    )
    assert "secret" not in repr(dead_store)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("uri", ["file:///tmp/mlruns", "mlruns", "databricks", "http://", ""])
def test_other_kinds_of_store_are_refused(uri: str) -> None:
    with pytest.raises(ValidationError):
        TrackingStore(tracking_uri=uri)


def test_telemetry_is_off(store: TrackingStore) -> None:
    store.client()

    from mlflow.telemetry import get_telemetry_client
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert is_telemetry_disabled()
    assert get_telemetry_client() is None
