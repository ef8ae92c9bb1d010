"""Scan a dataset version for injected, hidden and harmful text and for unusual rows.

The scan marks rows and changes nothing. Whoever calls it decides whether the marks are only
reported or the marked rows are left out with `remove_marked`.

A version is read a row at a time, twice at strict and maximum, where rows are compared with each
other. `remove_marked` remembers the marked rows, sixteen bytes each.

Not covered: repairing a row. A control token or an invisible character can be cleaned away.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.conversation_text import normalised_text, texts_of
from tools.data.enough_rows import MINIMUM_ROWS, REPEATED, refuse_too_few
from tools.data.finding import Finding
from tools.data.scan.load_patterns import (
    Level,
    PatternSeverity,
    load_patterns,
    patterns_by_id,
    patterns_of,
)
from tools.data.scan.outliers import DEVIATIONS, Measure, Norm, learn_norms, unusual_measures
from tools.data.scan.scan_text import scan_text

LISTED_FINDINGS = 200
OUTLIER = "outlier"

_UNUSUAL: dict[Measure, tuple[str, str]] = {
    "length": ("unusual_length", "The row is far longer or shorter than most."),
    "non_letters": (
        "unusual_signs",
        "The share of digits and signs is far from that of most rows.",
    ),
    "entropy": ("unusual_entropy", "The mixture of characters is far from that of most rows."),
    "compression": ("unusual_repetition", "The text repeats itself far more or less than most."),
}
_LOOK = "Read the row: nothing is wrong with it as long as it belongs to the dataset."


class ScanReport(BaseModel):
    """What the scan marked in a dataset version."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    level: Level
    patterns: int = Field(description="How many patterns were looked for.")
    rows_scanned: int
    rows_marked: int = Field(description="Rows with one finding or more.")
    by_code: dict[str, int] = Field(description="Rows with each finding, the most frequent first.")
    by_category: dict[str, int] = Field(description="Rows of each category; outlier is one.")
    by_severity: dict[PatternSeverity, int] = Field(
        description="Rows by the gravest finding of each; unusual rows are low."
    )
    findings: tuple[Finding, ...] = Field(description="The first 200.")


class RemoveMarkedReport(BaseModel):
    """What `remove_marked` did."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the new dataset version.")
    level: Level
    rows_read: int = Field(description="Rows of the source, the marked ones included.")
    rows_kept: int = Field(description="Rows of the new dataset version.")
    removed: dict[str, int] = Field(description="Rows left out, by the first finding of each.")


def scan_dataset(source: Path, level: Level) -> ScanReport:
    """Scan the dataset version at `source`, and from strict on compare its rows.

    Raises:
        DatasetError: The dataset is missing, or a line is not a conversation.
    """
    by_code: Counter[str] = Counter()
    by_category: Counter[str] = Counter()
    by_severity: Counter[PatternSeverity] = Counter()
    listed: list[Finding] = []
    rows = 0
    for _, found in _scanned(source, level):
        rows += 1
        by_code.update(one.code for one in found)
        by_category.update({_category(one.code) for one in found})
        if found:
            by_severity[_gravest(found)] += 1
        listed += found[: LISTED_FINDINGS - len(listed)]
    return ScanReport(
        dataset=source.stem,
        level=level,
        patterns=len(patterns_of(level)),
        rows_scanned=rows,
        rows_marked=by_severity.total(),
        by_code=_ordered(by_code),
        by_category=_ordered(by_category),
        by_severity=dict(sorted(by_severity.items())),
        findings=tuple(listed),
    )


def scan_findings(conversation: Conversation, level: Level) -> list[Finding]:
    """Return what `level` finds in one row: each pattern once, with the first field that has it.

    Segments hold control tokens on purpose, because no chat template writes them there.
    """
    fields: dict[str, str] = {}
    for field, text in texts_of(conversation):
        for mark in scan_text(text, level):
            if field != "segments" or mark.category != "special_tokens":
                fields.setdefault(mark.pattern, field)
    remedies, patterns = load_patterns().remedies, patterns_by_id()
    return [
        Finding(
            row=conversation.row,
            field=field,
            severity="warning",
            code=code,
            message=patterns[code].message,
            remedy=remedies[patterns[code].category],
        )
        for code, field in fields.items()
    ]


def remove_marked(source: Path, target_dir: Path, level: Level) -> RemoveMarkedReport:
    """Write `source` without the rows that `level` marks as a new version to `target_dir`.

    Raises:
        DatasetError: `source` is missing or malformed, or fewer than 20 different rows would be
            left.
    """
    marked = array("q")  # places in the file, which are unique even where row numbers are not
    removed: dict[str, array[int]] = {}
    rows_read = 0
    for rows_read, (conversation, found) in enumerate(_scanned(source, level), start=1):
        if found:
            marked.append(rows_read)
            removed.setdefault(found[0].code, array("q")).append(conversation.row)
    _refuse_too_few(_unmarked(source, marked), removed)
    return RemoveMarkedReport(
        dataset=write_version(target_dir, label_of(source), _unmarked(source, marked)).stem,
        level=level,
        rows_read=rows_read,
        rows_kept=rows_read - len(marked),
        removed={code: len(rows) for code, rows in removed.items()},
    )


def _scanned(source: Path, level: Level) -> Iterator[tuple[Conversation, list[Finding]]]:
    norms = learn_norms(read_conversations(source)) if level in DEVIATIONS else {}
    for conversation in read_conversations(source):
        found = scan_findings(conversation, level)
        yield conversation, found + _outlier_findings(conversation, norms, level)


def _outlier_findings(
    conversation: Conversation, norms: Mapping[Measure, Norm], level: Level
) -> list[Finding]:
    return [
        Finding(
            row=conversation.row,
            field=_main_field(conversation),
            severity="warning",
            code=_UNUSUAL[measure][0],
            message=_UNUSUAL[measure][1],
            remedy=_LOOK,
        )
        for measure in unusual_measures(conversation, norms, level)
    ]


def _main_field(conversation: Conversation) -> str:
    return next((field for field, _ in texts_of(conversation)), "messages")


def _unmarked(source: Path, marked: Sequence[int]) -> Iterator[Conversation]:
    ahead = iter(marked)
    next_marked = next(ahead, 0)
    for place, conversation in enumerate(read_conversations(source), start=1):
        if place == next_marked:
            next_marked = next(ahead, 0)
        else:
            yield conversation


def _refuse_too_few(kept: Iterable[Conversation], removed: Mapping[str, Sequence[int]]) -> None:
    """Refuse when fewer than 20 rows of `kept` differ; no more are read than are needed."""
    different: set[tuple[str, ...]] = set()
    repeats: list[int] = []
    for conversation in kept:
        key = tuple(normalised_text(text) for _, text in texts_of(conversation))
        if key in different:
            repeats.append(conversation.row)
        different.add(key)
        if len(different) >= MINIMUM_ROWS:
            return
    refuse_too_few(len(different), {**removed, REPEATED: repeats})


def _category(code: str) -> str:
    pattern = patterns_by_id().get(code)
    return pattern.category if pattern else OUTLIER


def _gravest(found: Iterable[Finding]) -> PatternSeverity:
    patterns = patterns_by_id()
    severities = {patterns[one.code].severity for one in found if one.code in patterns}
    if "high" in severities:
        return "high"
    return "medium" if "medium" in severities else "low"


def _ordered(counts: Counter[str]) -> dict[str, int]:
    """Return the counts, the largest first; ties in the order of the alphabet."""
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
