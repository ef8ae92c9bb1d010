"""Jobs as they really run: a dispatcher, processes of their own, files, faults."""

import json
import os
import signal
from pathlib import Path

import pytest

from backend.clock import utc_now
from backend.datasets import change_dataset
from backend.housekeeping import Housekeeping
from backend.jobs.orders import NewJob
from backend.settings import Settings, worker_environment
from tests.backend.jobs.studio import Studio
from tests.colours import colour_chats
from tests.mlflow_server import MlflowServer
from tools.data.data_policy import DataPolicy
from tools.data.privacy.kinds import PrivacyPolicy
from tools.tracking.metrics_file import read_link

pytestmark = pytest.mark.prove
LONG = {"num_train_epochs": 40, "per_device_train_batch_size": 4, "learning_rate": 1e-3}
SHORT = {**LONG, "num_train_epochs": 2}


def test_an_upload_becomes_a_dataset(studio: Studio) -> None:
    uploads = studio.workspace.uploads / "sent"
    uploads.mkdir()
    rows = [chat.model_dump(mode="json", exclude_none=True) for chat in colour_chats(30)]
    lines = "\n".join(json.dumps({"messages": row["messages"]}) for row in rows)
    (uploads / "colours.jsonl").write_text(lines, encoding="utf-8")

    job = studio.ended(studio.submit("import", name="mine", upload="sent"))

    assert (job.status, job.error) == ("succeeded", None)
    assert job.result is not None
    assert (job.result["name"], job.result["rows_imported"]) == ("mine", 30)


def test_a_job_that_cannot_work_says_why(studio: Studio) -> None:
    job = studio.ended(studio.submit("train", model="tiny", dataset="nonesuch"))

    assert job.status == "failed"
    assert job.error is not None
    assert job.error["code"] == "dataset_refused"
    assert "There is no dataset 'nonesuch'" in job.error["reason"]


def test_the_crew_keeps_to_the_policy_of_the_dataset(studio: Studio) -> None:
    privacy = PrivacyPolicy(name="mask", name_pipeline="xx_nothing")
    policy = DataPolicy(privacy=privacy).model_dump(mode="json")
    change_dataset(studio.engine, studio.owner, "colours", {"policy": policy})

    job = studio.ended(studio.submit("crew", model="tiny", dataset="colours", goal="Answer."))

    assert job.status == "failed"
    assert job.error is not None
    assert "spaCy" in job.error["reason"]


def test_a_training_reports_its_losses_and_ends_with_an_adapter(studio: Studio) -> None:
    job = studio.ended(studio.train(**SHORT))

    assert (job.status, job.error) == ("succeeded", None)
    assert job.result is not None
    steps = job.result["training"]["steps"]
    told = {event.data["name"] for event in studio.events(job.id, "metric")}
    assert told == {"loss", "eval_loss", "learning_rate", "grad_norm", "tokens_per_second"}
    assert max(event.data["step"] for event in studio.events(job.id, "metric")) == steps
    assert (studio.workspace.run(job.id.hex) / "adapter" / "adapter_model.safetensors").is_file()
    assert job.percent == 100


def test_killed_it_goes_on_from_a_checkpoint_and_ends_the_same(studio: Studio) -> None:
    whole = studio.ended(studio.train(**LONG))
    job = studio.train(**LONG)
    studio.at_step(job, 200)
    os.killpg(studio.worker(job).pid, signal.SIGKILL)

    job = studio.ended(job)

    assert (job.status, job.attempt) == ("succeeded", 2)
    assert whole.result is not None
    assert job.result is not None
    assert job.result["training"]["resumed_from_step"] > 0
    difference = job.result["training"]["eval_loss"] - whole.result["training"]["eval_loss"]
    assert abs(difference) <= 1e-4
    assert job.result["training"]["adapter_sha256"] == whole.result["training"]["adapter_sha256"]
    assert [event.type for event in studio.events(job.id)].count("interrupted") == 1


def test_it_goes_on_while_the_dispatcher_is_away(studio: Studio) -> None:
    job = studio.train(**LONG)
    studio.at_step(job, 10)
    pid = studio.worker(job).pid
    studio.dispatcher.stop()
    studio.dispatcher = studio.new_dispatcher()
    studio.dispatcher.start()

    studio.at_step(job, 100)
    assert studio.worker(job).pid == pid
    assert studio.ended(job).attempt == 1


def test_of_three_the_second_is_cancelled_waiting_and_the_third_running(studio: Studio) -> None:
    first, second, third = (studio.train(**{**LONG, "num_train_epochs": 8}) for _ in range(3))
    assert studio.store.cancel(second.id) == "cancelled"
    assert studio.ended(first).status == "succeeded"
    studio.at_step(third, 10)
    worker = studio.worker(third)
    studio.store.cancel(third.id)

    ended = studio.ended(third, seconds=10)

    assert ended.status == "cancelled"
    studio.until(lambda: not worker.is_running(), seconds=10)
    resumed = studio.ended(studio.submit("train", **ended.payload, run=third.id.hex))
    assert (resumed.status, resumed.error) == ("succeeded", None)
    assert resumed.result is not None
    assert resumed.result["training"]["resumed_from_step"] > 0


def test_one_that_does_not_hear_is_ended(studio: Studio) -> None:
    job = studio.train(**LONG)
    studio.at_step(job, 10)
    worker = studio.worker(job)
    worker.suspend()
    studio.store.cancel(job.id)

    assert studio.ended(job, seconds=10).status == "cancelled"
    studio.until(lambda: not worker.is_running(), seconds=5)


def test_one_that_froze_loses_its_job_and_ends(tmp_path: Path, tiny_model: Path) -> None:
    studio = Studio(tmp_path, tiny_model, lease=4)
    studio.add_colours()
    studio.dispatcher.start()
    job = studio.train(**LONG)
    studio.at_step(job, 10)
    frozen = studio.worker(job)
    frozen.suspend()

    ended = studio.ended(job)

    assert (ended.status, ended.attempt) == ("succeeded", 2)
    studio.until(lambda: not frozen.is_running(), seconds=5)
    studio.close()


def test_a_worker_asked_to_leave_gives_its_job_back(studio: Studio) -> None:
    job = studio.train(**LONG)
    studio.at_step(job, 10)
    studio.worker(job).terminate()

    ended = studio.ended(job)

    assert (ended.status, ended.attempt) == ("succeeded", 2)
    assert ended.result is not None
    assert ended.result["training"]["resumed_from_step"] > 0


def test_a_workers_environment_holds_no_secret_of_ours(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREWTUNE_SECRET_KEY", "CANARY" * 8)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "CANARY")

    settings = Settings(_env_file=None)

    assert settings.secret_key is not None
    assert "CANARY" not in str(worker_environment(settings))


def test_a_worker_without_its_job_leaves_at_once(studio: Studio) -> None:
    studio.dispatcher.stop()
    job = studio.store.submit(
        NewJob(studio.owner, "train", {}, "a" * 64, queue="gpu", idempotency_key="k")
    )[0]
    studio.store.claim("gpu", 1, {})

    worker = studio.runner.start(job.id, token=7)
    studio.until(lambda: not studio.runner.alive(worker), seconds=30)

    assert studio.see(job.id).beats == 0


def test_mlflow_that_is_away_costs_nothing_and_gets_everything_later(
    tmp_path: Path, tiny_model: Path
) -> None:
    server = MlflowServer(tmp_path)
    studio = Studio(tmp_path, tiny_model, tracking=server.uri)
    studio.add_colours()
    studio.dispatcher.start()
    job = studio.ended(studio.train(**SHORT))
    assert (job.status, job.error) == ("succeeded", None)
    run = studio.workspace.run(job.id.hex)
    assert (run / "unsent.json").exists()
    housekeeping = Housekeeping(
        studio.settings,
        studio.engine,
        clock=utc_now,
        mlflow_answers=server.answers,
        between_seconds=0.2,
    )
    housekeeping.start()

    server.start()
    studio.until(lambda: not (run / "unsent.json").exists())

    housekeeping.stop()
    told = {
        (event.data["name"], event.data["step"]): event.data["value"]
        for event in studio.events(job.id, "metric")
    }
    client, run_id = studio.settings.tracking_store().client(), read_link(run).mlflow_run_id
    assert run_id is not None
    kept = {
        (name, one.step): one.value
        for name in {name for name, _ in told}
        for one in client.get_metric_history(run_id, name)
    }
    assert kept == told
    server.kill()
    studio.close()
