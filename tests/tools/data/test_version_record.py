from pathlib import Path

import pytest

from tools.data.version_record import VersionRecord, find_record, history, keep_record
from tools.errors import DatasetError


def record(version: str, made_from: str | None = None, kind: str = "clean") -> VersionRecord:
    return VersionRecord(version=version, made_from=made_from, step={"kind": kind}, report={})


def test_a_history_begins_with_the_import(tmp_path: Path) -> None:
    steps = (record("a", None, "import"), record("b", "a"), record("c", "b"))
    for step in steps:
        keep_record(tmp_path, step)

    assert history(tmp_path, "c") == steps
    assert history(tmp_path, "a") == steps[:1]


def test_a_version_without_a_record_has_no_history(tmp_path: Path) -> None:
    assert history(tmp_path, "old") == ()


def test_a_step_that_changed_nothing_leaves_no_record(tmp_path: Path) -> None:
    keep_record(tmp_path, record("a", "a"))

    assert find_record(tmp_path, "a") is None


def test_the_first_way_to_a_version_is_the_one_that_is_kept(tmp_path: Path) -> None:
    keep_record(tmp_path, record("a", None, "import"))
    keep_record(tmp_path, record("b", "a", "clean"))
    keep_record(tmp_path, record("a", "b", "redact"))

    assert history(tmp_path, "b") == (record("a", None, "import"), record("b", "a", "clean"))


def test_a_damaged_record_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "a.record.json").write_text("{", encoding="utf-8")

    with pytest.raises(DatasetError, match="record of the dataset version 'a' is damaged"):
        find_record(tmp_path, "a")


def test_records_that_lead_round_are_refused(tmp_path: Path) -> None:
    for one in (record("a", "b"), record("b", "a")):
        keep_record(tmp_path, one)

    with pytest.raises(DatasetError, match="have no beginning"):
        history(tmp_path, "a")
