"""What the records of a version say makes the same version again."""

from pathlib import Path

import pytest

from tests.tools.data.rows import chat, chats, save_lines, save_version
from tools.data.conversation import write_version
from tools.data.data_policy import DataPolicy
from tools.data.import_dataset import import_dataset
from tools.data.privacy.kinds import PrivacyPolicy
from tools.data.repair import Clean, Deduplicate, Redact, RemoveContaminated, repair, repair_all
from tools.data.replay import ReplayReport, replay
from tools.data.version_record import VersionRecord, history, keep_record
from tools.errors import DatasetError


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """Import 30 rows, among them one to clean, one to mask, one to leave out and one repeat."""
    rows = [{"prompt": f"What is {n}?", "completion": f"A number: {n}."} for n in range(26)]
    rows += [
        {"prompt": "Where? ", "completion": "In the cafÃ©."},
        {"prompt": "Who?", "completion": "anna.b@firm.de"},
        {"prompt": "Why?", "completion": ""},
        {"prompt": "what is 3?", "completion": "A number: 3."},
    ]
    report = import_dataset(save_lines(tmp_path, *rows), tmp_path / "datasets")
    return tmp_path / "datasets" / f"{report.dataset}.jsonl"


def test_every_version_of_the_usual_repairs_comes_out_the_same(
    imported: Path, tmp_path: Path
) -> None:
    done = repair_all(imported, DataPolicy().repairs())

    kinds = ["clean", "redact", "remove_invalid", "deduplicate"]
    assert [one.kind for one in done.repairs] == kinds
    for steps, one in enumerate(done.repairs, start=1):
        assert replay(imported.parent, one.dataset, tmp_path / one.kind) == ReplayReport(
            version=one.dataset, began_with=imported.stem, steps=steps, same=True
        )
    records = history(imported.parent, done.dataset)
    assert [one.step["kind"] for one in records] == ["import", *kinds]
    assert [one.made_from for one in records[1:]] == [one.version for one in records[:-1]]


def test_stand_ins_come_out_the_same(imported: Path, tmp_path: Path) -> None:
    made = repair(imported, Redact(policy=PrivacyPolicy(email="pseudonymise")))

    assert replay(imported.parent, made.dataset, tmp_path / "again").same


def test_an_import_is_its_own_beginning(imported: Path, tmp_path: Path) -> None:
    assert replay(imported.parent, imported.stem, tmp_path / "again") == ReplayReport(
        version=imported.stem, began_with=imported.stem, steps=0, same=True
    )


def test_the_first_version_that_comes_out_different_is_named(
    imported: Path, tmp_path: Path
) -> None:
    cleaned = repair(imported, Clean())
    made = repair(imported.with_name(f"{cleaned.dataset}.jsonl"), Deduplicate())
    record = imported.with_name(f"{cleaned.dataset}.record.json")
    said = record.read_text(encoding="utf-8")
    record.write_text(said.replace('"encoding",', ""), encoding="utf-8")

    assert replay(imported.parent, made.dataset, tmp_path / "again") == ReplayReport(
        version=made.dataset,
        began_with=imported.stem,
        steps=1,
        same=False,
        differs_at=cleaned.dataset,
    )


def test_a_version_without_a_record_cannot_be_made_again(tmp_path: Path) -> None:
    source = save_version(tmp_path, chats(20))

    with pytest.raises(DatasetError, match="no record of how"):
        replay(tmp_path, source.stem, tmp_path / "again")


def test_a_version_whose_beginning_is_gone_cannot_be_made_again(tmp_path: Path) -> None:
    source = save_version(tmp_path, [*chats(20), chat("Where? ", row=21)])
    made = repair(source, Clean())
    source.unlink()

    with pytest.raises(DatasetError, match=f"version '{source.stem}' is missing"):
        replay(tmp_path, made.dataset, tmp_path / "again")


def test_what_stood_in_a_benchmark_is_left_out_again(imported: Path, tmp_path: Path) -> None:
    passage = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    benchmark = write_version(imported.parent, "benchmark", [chat(passage)])
    source = save_version(imported.parent, [*chats(20), chat(passage, row=21)])
    keep_record(
        source.parent, VersionRecord(version=source.stem, made_from=None, step={}, report={})
    )

    made = repair(source, RemoveContaminated(benchmarks=(benchmark.stem,)))

    assert (made.rows_read, made.rows_kept) == (21, 20)
    assert replay(source.parent, made.dataset, tmp_path / "again") == ReplayReport(
        version=made.dataset, began_with=source.stem, steps=1, same=True
    )
