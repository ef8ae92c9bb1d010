"""Look at a dataset version from every side, and put what was found into one report.

Faulty rows, exact and near duplicates, private values, attacks, contamination, languages, labels
and lengths. Nothing is changed; `repair` does that. An exact repeat is counted as one, and not as a
near duplicate too.

Not covered: lengths in tokens, which only a model's tokenizer knows.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tools.counted import counted
from tools.data.contamination import ContaminationReport, find_contamination, texts_to_keep_out
from tools.data.conversation import read_conversations
from tools.data.data_policy import DataPolicy
from tools.data.deduplicate import different
from tools.data.enough_rows import MINIMUM_ROWS
from tools.data.finding import Finding, Severity
from tools.data.languages import languages
from tools.data.near_duplicates import NearDuplicateReport, find_near_duplicates
from tools.data.privacy.find_in_dataset import PrivacyReport, find_in_dataset
from tools.data.privacy.kinds import spoken
from tools.data.profile_dataset import ProfileReport, profile
from tools.data.scan.scan_dataset import ScanReport, scan_dataset
from tools.data.validate_dataset import ValidationReport, validate
from tools.progress import NoProgress, Progress

_LISTED_FINDINGS = 1000
_LISTED_PAIRS = 200
_MOST_UNBALANCED = 10  # times as many rows with the commonest label as with the rarest
_SECOND_LANGUAGE = 0.05  # of the rows


class Remark(BaseModel):
    """Something about the dataset as a whole."""

    model_config = ConfigDict(frozen=True)

    code: str
    severity: Severity
    message: str
    remedy: str


class AuditReport(BaseModel):
    """Everything that was found in a dataset version; no text of a row."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    rows: int
    rows_usable: int = Field(description="Rows without an error; warnings do not count.")
    profile: ProfileReport
    languages: dict[str, float] = Field(description="Share of each language, largest first.")
    repeats: int = Field(description="Rows that repeat an earlier one exactly.")
    repeated: tuple[tuple[int, int], ...] = Field(
        description="The first of them, each with the row it repeats."
    )
    near_duplicates: NearDuplicateReport
    privacy: PrivacyReport
    scan: ScanReport
    contamination: ContaminationReport | None = Field(
        description="What is shared with the policy's benchmarks, where it names any."
    )
    remarks: tuple[Remark, ...] = Field(description="About the dataset as a whole.")
    findings: tuple[Finding, ...] = Field(description="About rows, the first 1,000.")
    counts: dict[str, int] = Field(description="Findings of each code, all of them.")


def audit(
    source: Path, policy: DataPolicy | None = None, *, progress: Progress | None = None
) -> AuditReport:
    """Look for everything that can be wrong with the dataset version at `source`.

    Args:
        source: A dataset version.
        policy: How closely to look, and at which benchmarks; what it does with rows is not done.
        progress: Told what is looked for, and asked whether to stop.

    Raises:
        DatasetError: The dataset is missing, malformed or empty, or a benchmark is missing.
    """
    found = _look(source, policy or DataPolicy(), progress or NoProgress())
    return AuditReport(
        dataset=source.stem,
        rows=found.profile.rows,
        rows_usable=found.validation.rows_usable,
        profile=found.profile,
        languages=found.languages,
        repeats=len(found.repeated),
        repeated=tuple(found.repeated[:_LISTED_PAIRS]),
        near_duplicates=found.near,
        privacy=found.privacy,
        scan=found.scan,
        contamination=found.contamination,
        remarks=tuple(_remarks(found.profile, found.validation, found.languages)),
        findings=tuple(sorted(_findings(found), key=lambda one: one.row)[:_LISTED_FINDINGS]),
        counts=_counts(found),
    )


class _Found(NamedTuple):
    """What each way of looking at a dataset found."""

    profile: ProfileReport
    validation: ValidationReport
    languages: dict[str, float]
    repeated: list[tuple[int, int]]
    near: NearDuplicateReport
    privacy: PrivacyReport
    scan: ScanReport
    contamination: ContaminationReport | None


def _look(source: Path, policy: DataPolicy, progress: Progress) -> _Found:
    def looking(for_what: str, percent: float) -> None:
        progress.check()
        progress.log(f"Looking for {for_what}.")
        progress.percent(percent)

    looking("faulty rows", 0)
    measured, checked = profile(source), validate(source)
    spoken_in = languages(source, rows=measured.rows)
    looking("repeated rows", 20)
    repeated, marks = _repeated(source)
    near = find_near_duplicates(source, threshold=policy.near_threshold, repeats=marks)
    looking("private values", 45)
    privacy = find_in_dataset(source, policy.privacy)
    looking("attacks", 70)
    scanned = scan_dataset(source, policy.scan)
    if policy.benchmarks:
        looking("passages of benchmarks", 90)
    contaminated = _contamination(source, policy.benchmarks)
    return _Found(measured, checked, spoken_in, repeated, near, privacy, scanned, contaminated)


def _repeated(source: Path) -> tuple[list[tuple[int, int]], bytes]:
    """Return each exact repeat with the row it repeats, and for every row 1 if it is one."""
    repeats: list[tuple[int, int]] = []
    marks = bytearray()
    rows_kept = 0
    for _ in different(read_conversations(source), repeats):
        marks += b"\1" * (rows_kept + len(repeats) - len(marks)) + b"\0"
        rows_kept += 1
    return repeats, bytes(marks + b"\1" * (rows_kept + len(repeats) - len(marks)))


def _counts(found: _Found) -> dict[str, int]:
    counts = {
        **found.validation.counts,
        "repeated": len(found.repeated),
        "near_duplicate": found.near.rows_in_clusters - found.near.clusters,
        **{f"private_{kind}": rows for kind, rows in found.privacy.rows.items()},
        **found.scan.by_code,
        "contaminated": found.contamination.rows if found.contamination else 0,
    }
    return {code: count for code, count in counts.items() if count}


def _findings(found: _Found) -> Iterator[Finding]:
    yield from found.validation.findings
    yield from _repeat_findings(found.repeated)
    yield from _near_findings(found.near)
    yield from _private_findings(found.privacy)
    yield from found.scan.findings
    yield from _contamination_findings(found.contamination)


def _contamination(source: Path, benchmarks: Sequence[str]) -> ContaminationReport | None:
    if not benchmarks:
        return None
    texts = {name: texts_to_keep_out(source.with_name(f"{name}.jsonl")) for name in benchmarks}
    return find_contamination(source, texts)


def _repeat_findings(repeated: Iterable[tuple[int, int]]) -> Iterator[Finding]:
    for row, first in list(repeated)[:_LISTED_PAIRS]:
        yield _finding(row, "repeated", f"It repeats row {first}.", "It is left out of trainings.")


def _near_findings(near: NearDuplicateReport) -> Iterator[Finding]:
    for pair in near.pairs:
        first, later = sorted((pair.row, pair.twin))
        message = f"It is nearly the same as row {first} ({pair.jaccard:.0%} alike)."
        remedy = "Keep both if the difference matters; a split keeps them on one side."
        yield _finding(later, "near_duplicate", message, remedy)


def _private_findings(privacy: PrivacyReport) -> Iterator[Finding]:
    for kind, rows in privacy.first_rows.items():
        for row in rows:
            remedy = f"privacy.{kind} of the dataset's policy says what trainings and repairs do."
            yield _finding(row, f"private_{kind}", f"It holds {spoken(kind, 1)}.", remedy)


def _contamination_findings(found: ContaminationReport | None) -> Iterator[Finding]:
    remedy = "Leave it out, or a score on the benchmark proves nothing."
    for benchmark, overlap in found.overlaps.items() if found else ():
        for row in overlap.first_rows:
            yield _finding(row, "contaminated", f"It shares a passage with {benchmark}.", remedy)


def _finding(row: int, code: str, message: str, remedy: str) -> Finding:
    return Finding(
        row=row, field="messages", severity="warning", code=code, message=message, remedy=remedy
    )


def _remarks(
    measured: ProfileReport, checked: ValidationReport, spoken_in: dict[str, float]
) -> Iterator[Remark]:
    if not checked.usable:
        yield Remark(
            code="too_few_rows",
            severity="error",
            message=f"{counted(checked.rows_usable, 'row')} can be used, "
            f"{MINIMUM_ROWS} are needed.",
            remedy="Add more examples.",
        )
    labels = measured.labels
    if labels and labels[0] > _MOST_UNBALANCED * labels[-1]:
        yield Remark(
            code="unbalanced_labels",
            severity="warning",
            message=f"The commonest answer has {labels[0]:,} rows, the rarest {labels[-1]:,}.",
            remedy="Add examples with the rare answers, or the model will seldom give them.",
        )
    others = [name for name, share in spoken_in.items() if share >= _SECOND_LANGUAGE]
    if len(others) > 1:
        yield Remark(
            code="language_mix",
            severity="warning",
            message=f"The rows are in several languages: {', '.join(others)}.",
            remedy="If the model is to answer in one of them alone, leave the others out.",
        )
