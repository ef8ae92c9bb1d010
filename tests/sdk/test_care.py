"""The care of a dataset by client and command: repairs, policy, card, rehearsal, tokens."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from crewtune import ApiError, Change, Studio
from tests.sdk.command import CommandLine
from tests.sdk.real_studio import RealStudio, until

EMAIL = "erika.mustermann@firma.de"
GOOD = (
    '{"messages":[{"role":"user","content":"Say %d"},{"role":"assistant","content":"It is %d"}]}\n'
)
BAD = (
    '{"messages":[{"role":"user","content":"Say 0"},{"role":"assistant","content":"It is 0"}]}\n'
    '{"messages":[{"role":"user","content":"Who?"},{"role":"assistant","content":""}]}\n'
    '{"messages":[{"role":"user","content":"Where?"},{"role":"assistant","content":"%s"}]}\n'
)


@pytest.fixture
def faults(running: RealStudio, anna: Studio, tmp_path: Path) -> str:
    """A dataset of anna's: sixty good rows, one that repeats, one empty, one private."""
    path = tmp_path / "faults.jsonl"
    rows = "".join(GOOD % (one, one) for one in range(60)) + BAD % EMAIL
    path.write_text(rows, encoding="utf-8")
    running.do(anna.add_dataset("faults", upload=anna.upload(path).upload).id)
    return "faults"


@pytest.fixture
def tiny(running: RealStudio, tiny_model: Path) -> str:
    """Name of a model that the studio has."""
    shutil.copytree(tiny_model, running.settings.data_dir / "models" / "tiny", dirs_exist_ok=True)
    return "tiny"


@contextmanager
def done_meanwhile(running: RealStudio, anna: Studio) -> Iterator[None]:
    """Do the next job that is asked for while a command waits for it."""
    before = {one.id for one in anna.jobs().jobs}

    def do() -> None:
        until(lambda: {one.id for one in anna.jobs().jobs} - before)
        [job] = [one for one in anna.jobs().jobs if one.id not in before]
        running.do(job.id)

    worker = threading.Thread(target=do)
    worker.start()
    yield
    worker.join()


def test_a_dataset_is_repaired_and_taken_back(
    crewtune: CommandLine, running: RealStudio, faults: str
) -> None:
    before = crewtune.json("data", "show", faults)["dataset"]["version"]

    job = crewtune.json("data", "repair", faults, "--no-follow")
    running.do(UUID(job["id"]))
    told = crewtune.done("jobs", "logs", "-f", job["number"])
    assert "redact: 1 row changed, 0 left out\n" in told
    assert "remove invalid: 0 rows changed, 1 left out\n" in told
    assert "deduplicate: 0 rows changed, 1 left out\n" in told
    assert "'faults' is now faults-" in told
    steps = [one["step"]["kind"] for one in crewtune.json("data", "versions", faults)]
    assert steps == ["import", "redact", "remove_invalid", "deduplicate"]
    assert "remove_invalid" in crewtune.done("data", "versions", faults)
    assert crewtune.json("data", "findings", faults, "--severity", "error")["findings"] == []

    back = crewtune.json("data", "repair", faults, "--back-to", before, "--no-follow")
    running.do(UUID(back["id"]))

    assert crewtune.json("data", "show", faults)["dataset"]["version"] == before
    [empty] = crewtune.json("data", "findings", faults, "--severity", "error")["findings"]
    assert (empty["row"], empty["code"]) == (62, "empty_answer")


def test_named_steps_alone_are_done(
    crewtune: CommandLine, running: RealStudio, faults: str
) -> None:
    near = '{"kind": "remove_near_duplicates", "threshold": 1.0}'

    words = ("--step", "deduplicate", "--step", near, "--no-follow")
    job = crewtune.json("data", "repair", faults, *words)
    running.do(UUID(job["id"]))

    assert job["request"]["steps"] == [
        {"kind": "deduplicate"},
        {"kind": "remove_near_duplicates", "threshold": 1.0},
    ]
    assert crewtune.json("data", "show", faults)["dataset"]["rows"] == 62


def test_a_version_of_another_dataset_is_not_gone_back_to(
    running: RealStudio, anna: Studio, dataset: str, faults: str
) -> None:
    job = anna.repair(faults, version=anna.dataset(dataset).version)

    with pytest.raises(Exception, match="is not an earlier version of this dataset"):
        running.do(job.id)

    assert anna.dataset(faults).rows == 63


def test_a_split_is_rehearsed_and_nothing_is_changed(
    crewtune: CommandLine, running: RealStudio, faults: str
) -> None:
    before = crewtune.json("data", "show", faults)

    job = crewtune.json("data", "rehearse", faults, "--no-follow")
    running.do(UUID(job["id"]))

    told = crewtune.done("jobs", "logs", "-f", job["number"])
    assert "fit after repairs: " in told
    assert " rows to train on, " in told
    assert crewtune.json("data", "show", faults) == before


def test_a_policy_is_changed_setting_by_setting(crewtune: CommandLine, faults: str) -> None:
    before = crewtune.json("data", "policy", faults)

    changes = ("--set", "privacy.email=pseudonymise", "--set", "near_duplicates=drop_row")
    after = crewtune.json("data", "policy", faults, *changes)

    privacy = {**before["privacy"], "email": "pseudonymise"}
    assert after == {**before, "privacy": privacy, "near_duplicates": "drop_row"}
    assert crewtune.json("data", "policy", faults) == after
    shown = crewtune.done("data", "policy", faults, "--set", 'cleaning=["unicode", "markup"]')
    assert "unicode, markup" in shown
    assert "pseudonymise" in shown


def test_a_setting_is_typed_as_it_is_printed(crewtune: CommandLine, faults: str) -> None:
    before = crewtune.json("data", "policy", faults)

    several = crewtune.json("data", "policy", faults, "--set", "cleaning=unicode, markup")
    words = ("cleaning=none", "benchmarks=none", "privacy.phone_region=none", "near_threshold=0.9")
    none = crewtune.json("data", "policy", faults, *(f"--set={one}" for one in words))

    assert several == {**before, "cleaning": ["unicode", "markup"]}
    assert none == {**before, "cleaning": [], "near_threshold": 0.9}


def test_findings_that_fit_no_filter_are_not_called_none_at_all(
    crewtune: CommandLine, faults: str
) -> None:
    said = crewtune.done("data", "findings", faults, "--code", "refusal")

    assert "None of its findings fits. It has: " in said
    assert "empty_answer" in said
    assert "Nothing is wrong" not in said


def test_a_setting_that_is_not_there_or_cannot_be_is_refused_by_name(
    crewtune: CommandLine, faults: str
) -> None:
    def refused(exit_code: int, change: str) -> str:
        return crewtune.refused(exit_code, "data", "policy", faults, "--set", change)

    assert "privacy.email" in refused(2, "privacy.emial=mask")
    assert "privacy.email" in refused(2, "scan.email.mask=1")
    assert "privacy.email" in refused(2, "scan.stand=1")
    assert "privacy.email" in refused(2, "scan")
    assert "scan" in refused(1, "scan=wild")
    assert "exam" in refused(1, 'benchmarks=["exam"]')


def test_what_a_policy_would_change_is_seen_first(anna: Studio, faults: str) -> None:
    policy = anna.dataset(faults).policy

    assert anna.changes(faults, policy) == [
        Change(row=63, before=("Where?", EMAIL), after=("Where?", "[EMAIL]"))
    ]
    assert anna.rows(faults, row=63).rows[0].messages[1]["content"] == EMAIL


def test_a_card_is_written_to_a_file(crewtune: CommandLine, faults: str, tmp_path: Path) -> None:
    path = tmp_path / "DATASET.md"

    said = crewtune.done("data", "card", faults, "-o", path)

    card = path.read_text(encoding="utf-8")
    assert said == f"{path} is written.\n"
    assert card == crewtune.json("data", "card", faults)["markdown"]
    assert "| Source | faults.jsonl |" in card
    assert EMAIL not in card


def test_a_card_that_cannot_be_written_is_one_sentence(
    crewtune: CommandLine, faults: str, tmp_path: Path
) -> None:
    said = crewtune.refused(1, "data", "card", faults, "-o", tmp_path / "nowhere" / "card.md")

    assert "nowhere" in said
    assert "Traceback" not in said


def test_a_source_is_inspected_before_its_import(
    running: RealStudio, anna: Studio, tmp_path: Path
) -> None:
    path = tmp_path / "faq.csv"
    path.write_bytes("Frage;Antwort\nWie kühl?;Fünf Grad.\n".encode("latin-1"))
    upload = anna.upload(path).upload
    mapping = {"format": "question-answer", "columns": {"prompt": "Frage", "answer": "Antwort"}}

    plain, mapped = anna.inspect(upload=upload), anna.inspect(upload=upload, mapping=mapping)
    running.do(plain.id)
    running.do(mapped.id)

    unknown, known = anna.job(plain.id).result, anna.job(mapped.id).result
    assert unknown is not None
    assert known is not None
    assert unknown["layout"] is None
    assert "not recognised" in unknown["refusal"]
    assert known["layout"]["format"] == "question-answer"
    assert known["conversations"][0]["messages"][1]["content"] == "Fünf Grad."
    assert anna.datasets() == []


def test_tokens_are_shown_in_colour_on_a_terminal(
    crewtune: CommandLine,
    running: RealStudio,
    anna: Studio,
    faults: str,
    tiny: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    words = ("data", "preview", faults, "--model", tiny, "--row", 5)

    with done_meanwhile(running, anna):
        coloured = crewtune.done(*words)

    assert "\x1b[30;42m" in coloured  # black on green: what is learnt
    assert "\x1b[1;35m" in coloured  # magenta: a marker
    assert "Row 5: trained" in coloured


def test_tokens_are_shown_as_json_for_a_text_too(
    crewtune: CommandLine, running: RealStudio, anna: Studio, tiny: str
) -> None:
    with done_meanwhile(running, anna):
        shown = crewtune.json("data", "preview", "--text", "The unit beeps.", "--model", tiny)

    [row] = shown["rows"]
    assert "The unit beeps." in "".join(token["text"] for token in row["tokens"])
    assert row["length"] == len(row["tokens"])


def test_a_row_that_is_not_there_has_no_tokens(
    running: RealStudio, anna: Studio, faults: str, tiny: str
) -> None:
    job = anna.preview_tokens(tiny, dataset=faults, rows=[99])

    with pytest.raises(Exception, match="has no row 99"):
        running.do(job.id)


def test_a_preview_needs_a_dataset_or_a_text(crewtune: CommandLine, faults: str) -> None:
    assert "--text" in crewtune.refused(2, "data", "preview")
    assert "--text" in crewtune.refused(2, "data", "preview", faults, "--text", "x")


def test_findings_are_told_with_a_bad_filter_refused(anna: Studio, faults: str) -> None:
    page = anna.findings(faults, code="private_email")

    assert [(one.row, one.severity) for one in page.findings] == [(63, "warning")]
    assert EMAIL not in page.model_dump_json()
    with pytest.raises(ApiError) as refused:
        anna.findings(faults, severity="bad")
    assert refused.value.errors[0].pointer == "/severity"
