"""Say what private data a dataset or a row holds, without repeating any of it."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.conversation import Conversation, read_conversations
from tools.data.conversation_text import texts_of
from tools.data.finding import Finding, Severity
from tools.data.privacy.detect import finder_of
from tools.data.privacy.kinds import KINDS, Action, Kind, PrivacyPolicy, spoken
from tools.data.privacy.tally import Tally

_DEFAULT_POLICY = PrivacyPolicy()
_REMEDIES: dict[Action, str] = {
    "report": "Leave it in, or choose to mask it.",
    "drop_row": "The row is left out; choose mask or pseudonymise to keep the rest of it.",
    "mask": "Redact the dataset: a mark takes its place.",
    "pseudonymise": "Redact the dataset: a stand-in takes its place.",
    "ask": "Decide whether to report, mask or pseudonymise it, or to leave the row out.",
}
_PLACES = {
    "segments": "A segment",
    "steps": "A step",
    "tools": "The description of a tool",
    "extra": "Another column",
}


class PrivacyReport(BaseModel):
    """What private data a dataset holds, in numbers."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    rows_read: int
    found: dict[Kind, int] = Field(description="Values by kind; kinds that were not found: none.")
    rows: dict[Kind, int] = Field(description="Rows that hold the kind.")
    first_rows: dict[Kind, tuple[int, ...]] = Field(description="Numbers of the first 20 of them.")


def find_in_dataset(source: Path, policy: PrivacyPolicy = _DEFAULT_POLICY) -> PrivacyReport:
    """Count the private values of `source`. The policy names the region of phones and the names.

    Raises:
        DatasetError: `source` is missing or malformed, or names are sought and spaCy is not there.
    """
    find = finder_of(policy)
    tally = Tally()
    for conversation in read_conversations(source):
        texts = (text for _, text in texts_of(conversation))
        tally.add(conversation.row, [span.kind for text in texts for span in find(text)])
    return PrivacyReport(
        dataset=source.stem,
        rows_read=tally.rows_read,
        found=tally.found,
        rows=tally.rows,
        first_rows=tally.first_rows,
    )


def private_findings(conversation: Conversation, policy: PrivacyPolicy) -> list[Finding]:
    """Return a finding for each kind of private data in each turn of `conversation`.

    Raises:
        DatasetError: Names are sought and spaCy is not there.
    """
    find = finder_of(policy)
    counts: dict[tuple[str, str], Counter[Kind]] = {}
    for field, place, text in _places(conversation):
        kinds = (span.kind for span in find(text))
        counts.setdefault((field, place), Counter()).update(kinds)
    return [
        _finding(conversation.row, field, place, kind, count[kind], policy)
        for (field, place), count in counts.items()
        for kind in KINDS
        if count[kind]
    ]


def _finding(
    row: int, field: str, place: str, kind: Kind, count: int, policy: PrivacyPolicy
) -> Finding:
    action = policy.action(kind)
    severity: Severity = "error" if action == "drop_row" else "warning"
    return Finding(
        row=row,
        field=field,
        severity=severity,
        code=f"private_{kind}",
        message=f"{place} holds {spoken(kind, count)}.",
        remedy=_REMEDIES[action],
    )


def _places(conversation: Conversation) -> Iterator[tuple[str, str, str]]:
    """Yield every text with its field and where in it the text stands, e.g. `Turn 2`."""
    shared = len(conversation.messages)
    for field, before in (("messages", 0), ("chosen", shared), ("rejected", shared)):
        for number, message in enumerate(getattr(conversation, field), start=before + 1):
            turn = Conversation(messages=(message,), row=conversation.row)
            yield from ((field, f"Turn {number}", text) for _, text in texts_of(turn))
    no_turns = {"messages": (), "chosen": (), "rejected": ()}
    for field, text in texts_of(conversation.model_copy(update=no_turns)):
        yield field, _PLACES[field], text
