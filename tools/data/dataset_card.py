"""The card of a dataset version as Markdown: where it came from, what it holds, how it was made.

It holds numbers, names of columns and hashes, and never a text of a row.
"""

from collections.abc import Iterator, Mapping, Sequence

from tools.counted import counted
from tools.data.audit_dataset import AuditReport
from tools.data.version_record import VersionRecord

_BAR = 30  # signs of the longest bar of the histogram


def dataset_card(audit: AuditReport, history: Sequence[VersionRecord]) -> str:
    """Return the card of the audited version, which `history` led to."""
    imported = history[0].step if history and history[0].step.get("kind") == "import" else {}
    parts = [
        f"# {audit.dataset}",
        _table("Source", _source(imported)),
        _table("Contents", _contents(audit)),
        _lengths(audit.profile.lengths),
        _table("Findings", audit.counts) if audit.counts else "## Findings\n\nNone.",
        "\n".join(["## How it was made", "", *_steps(history)]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _source(imported: Mapping[str, object]) -> dict[str, object]:
    named = {
        "source": "Source",
        "revision": "Revision",
        "config": "Configuration",
        "split": "Split",
        "licence": "Licence",
        "format": "Format",
        "sha256": "SHA-256 of the file",
    }
    return {word: imported[key] for key, word in named.items() if imported.get(key)}


def _contents(audit: AuditReport) -> dict[str, object]:
    profile = audit.profile
    told: dict[str, object] = {
        "Rows": f"{profile.rows:,}",
        "Rows without an error": f"{audit.rows_usable:,}",
        "Characters of a question, median and longest": (
            f"{profile.prompt_characters.median:,} and {profile.prompt_characters.maximum:,}"
        ),
        "Characters of an answer, median and longest": (
            f"{profile.answer_characters.median:,} and {profile.answer_characters.maximum:,}"
        ),
        "Different answers": f"{profile.distinct_answers:,}",
        "Tokens, about": f"{profile.estimated_tokens:,}",
    }
    if audit.languages:
        shares = (f"{name} {share:.0%}" for name, share in list(audit.languages.items())[:5])
        told["Languages"] = ", ".join(shares)
    return told


def _table(title: str, facts: Mapping[str, object]) -> str:
    if not facts:
        return ""
    rows = [f"| {key} | {_cell(value)} |" for key, value in facts.items()]
    return "\n".join([f"## {title}", "", "| | |", "|---|---|", *rows])


def _cell(value: object) -> str:
    # A name of a file or column may hold what Markdown takes for its own.
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _lengths(bins: Sequence[tuple[int, int]]) -> str:
    most = max(count for _, count in bins)
    bars = (
        f"{f'{bound:,}':>10} {'█' * max(bool(count), round(_BAR * count / most))} {count:,}"
        for bound, count in bins
    )
    return "\n".join(["## Rows by length, in characters at most", "", "```", *bars, "```"])


def _steps(history: Sequence[VersionRecord]) -> Iterator[str]:
    if not history:
        yield "No record was kept."
    for number, record in enumerate(history, start=1):
        kind = str(record.step.get("kind", "")).replace("_", " ")
        yield f"{number}. `{record.version}`: {kind}{_change(record)}"


def _change(record: VersionRecord) -> str:
    read, kept = record.report.get("rows_read"), record.report.get("rows_kept")
    changed = record.report.get("rows_changed")
    told = []
    if isinstance(read, int) and isinstance(kept, int) and kept < read:
        told.append(f"{read - kept:,} of {counted(read, 'row')} left out")
    if isinstance(changed, int) and changed:
        told.append(f"{counted(changed, 'row')} changed")
    return f" ({', '.join(told)})" if told else ""
