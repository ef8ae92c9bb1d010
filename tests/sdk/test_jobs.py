from pathlib import Path

import pytest

from crewtune import ApiError, Studio
from tests.sdk.real_studio import RealStudio


def test_jobs_are_listed_the_newest_first_page_by_page(
    running: RealStudio, anna: Studio, dataset: str
) -> None:
    jobs = [anna.train("tiny", dataset, seed=seed) for seed in range(3)]

    page = anna.jobs(kind="train", limit=2)
    assert [job.id for job in page.jobs] == [jobs[2].id, jobs[1].id]
    rest = anna.jobs(kind="train", limit=2, before=page.before)
    assert [job.id for job in rest.jobs] == [jobs[0].id]
    assert anna.jobs(status="failed").jobs == ()


def test_a_job_is_found_by_its_number(running: RealStudio, anna: Studio, dataset: str) -> None:
    job = anna.train("tiny", dataset)

    found = anna.job_of_number(job.number)

    assert found is not None
    assert found.id == job.id
    assert anna.job_of_number(job.number + 1) is None


def test_a_job_is_cancelled_and_resumed(running: RealStudio, anna: Studio, dataset: str) -> None:
    running.running(anna.train("tiny", dataset).id)  # takes the only slot
    waiting = anna.train("tiny", dataset)
    assert waiting.position == 0

    cancelled = anna.cancel(waiting.id)
    resumed = anna.resume(waiting.id)

    assert (cancelled.status, cancelled.ended, cancelled.succeeded) == ("cancelled", True, False)
    assert resumed.id != waiting.id
    assert not resumed.ended


def test_a_failed_job_says_why(running: RealStudio, anna: Studio, dataset: str) -> None:
    job = anna.train("tiny", dataset)
    running.fail(job.id, "out_of_memory", "The GPU is full. Make max_length smaller.")

    ended = anna.wait(job.id)

    assert ended.error is not None
    assert ended.error.code == "out_of_memory"


def test_waiting_ends_in_time_and_the_job_goes_on(
    running: RealStudio, anna: Studio, dataset: str
) -> None:
    job = anna.train("tiny", dataset)

    with pytest.raises(TimeoutError, match="goes on"):
        anna.wait(job.id, timeout_seconds=0.2)

    assert not anna.job(job.id).ended


def test_all_that_is_wrong_with_a_recipe_is_told(
    running: RealStudio, anna: Studio, dataset: str
) -> None:
    with pytest.raises(ApiError) as refused:
        anna.train("tiny", dataset, recipe={"learning_rate": 7, "no_such_field": 1})

    assert refused.value.status == 422
    assert "learning_rate" in str(refused.value)


def test_a_recommendation_and_an_evaluation_are_jobs(
    running: RealStudio, anna: Studio, dataset: str
) -> None:
    assert anna.recommend("tiny", dataset).kind == "recommend"
    training = anna.train("tiny", dataset)
    running.succeed(training.id)

    assert anna.evaluate(training.id).kind == "evaluate"


def test_a_crew_run_has_receipts_and_a_report(
    running: RealStudio, anna: Studio, dataset: str, tmp_path: Path
) -> None:
    job = anna.start_crew("tiny", dataset, "Say numbers.")
    assert job.kind == "crew"
    assert anna.receipts(job.id) == []

    with pytest.raises(ApiError) as refused:
        anna.report(job.id)

    assert refused.value.code == "not_found"
    assert not list(running.settings.data_dir.glob(f"workspaces/*/runs/{job.id.hex}"))


def test_what_the_studio_runs_on_is_shown(running: RealStudio, anna: Studio) -> None:
    system = anna.system()

    assert system.queues["gpu"].slots == 1
    assert system.disk.free_gib > 0


def test_the_models_that_are_here_are_listed(running: RealStudio, anna: Studio) -> None:
    assert "tiny-instruct" in {model.name for model in anna.models()}


def test_a_search_without_the_hub_says_so(running: RealStudio, anna: Studio) -> None:
    assert anna.search_models("qwen").note
    assert anna.search_datasets("chats").note


def test_a_waiting_job_is_moved(running: RealStudio, anna: Studio, dataset: str) -> None:
    first = anna.train("tiny", dataset)
    running.running(first.id)
    second, third = anna.train("tiny", dataset), anna.train("tiny", dataset)

    assert anna.prioritise(third.id, 5).position == 0
    assert anna.job(second.id).position == 1
