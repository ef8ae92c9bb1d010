from itertools import pairwise
from pathlib import Path

import pytest

from crewtune import SAMPLE, ApiError, Studio
from tests.sdk.real_studio import RealStudio


def test_a_file_becomes_a_dataset(running: RealStudio, anna: Studio, chats: Path) -> None:
    upload = anna.upload(chats)
    job = anna.add_dataset("chats", upload=upload.upload)
    running.do(job.id)

    dataset = anna.dataset("chats")

    assert (upload.filename, upload.bytes) == ("chats.jsonl", chats.stat().st_size)
    assert anna.datasets() == [dataset]
    assert dataset.rows == 40
    assert dataset.report["rows_read"] == 40


def test_the_sample_needs_no_file(running: RealStudio, anna: Studio) -> None:
    running.do(anna.add_dataset("try", sample=SAMPLE).id)

    assert anna.dataset("try").rows == 1050


def test_rows_and_what_is_wrong_with_them_are_shown(anna: Studio, dataset: str) -> None:
    page = anna.rows(dataset, offset=39, limit=5)

    assert page.total == 40
    assert [message["content"] for message in page.rows[0].messages] == ["Say 39", "39"]
    assert page.rows[0].row == 40
    assert anna.audit(dataset).rows_usable == 40


def test_a_dataset_that_is_removed_is_gone(anna: Studio, dataset: str) -> None:
    anna.remove_dataset(dataset)

    with pytest.raises(ApiError) as refused:
        anna.dataset(dataset)
    assert refused.value.status == 404


def test_an_upload_tells_how_far_it_is_and_is_never_whole_in_memory(
    running: RealStudio, anna: Studio, tmp_path: Path
) -> None:
    big = tmp_path / "big.jsonl"
    row = '{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Ho"}]}\n'
    big.write_text(row * 40_000, encoding="utf-8")
    told: list[tuple[int, int]] = []

    anna.upload(big, on_progress=lambda sent, total: told.append((sent, total)))

    size = big.stat().st_size
    assert told[-1] == (size, size)
    assert max(after[0] - before[0] for before, after in pairwise(told)) <= 65536


def test_a_large_file_is_not_sent_twice_because_the_token_ended(
    running: RealStudio, anna: Studio, chats: Path
) -> None:
    running.clock.move(minutes=16)
    told: list[int] = []

    anna.upload(chats, on_progress=lambda sent, _: told.append(sent))

    assert told == sorted(told)


def test_what_cannot_be_a_dataset_is_refused_in_the_studios_words(
    anna: Studio, tmp_path: Path
) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(b"\x89PNG\r\n")

    with pytest.raises(ApiError) as refused:
        anna.upload(picture)

    assert refused.value.status == 415
    assert refused.value.errors[0].pointer == "/file"


def test_a_file_that_is_too_large_is_refused(anna: Studio, tmp_path: Path) -> None:
    big = tmp_path / "big.jsonl"
    with big.open("wb") as file:
        file.truncate(300 * 2**20)

    with pytest.raises(ApiError) as refused:
        anna.upload(big)

    assert refused.value.status == 413


def test_a_missing_file_is_an_os_error(anna: Studio, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        anna.upload(tmp_path / "nothing.jsonl")
