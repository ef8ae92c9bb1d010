"""Check every row of a dataset version, and write a version without the rows that failed.

All problems of all rows are found at once. What is checked stands in `check_conversation`; here
are the checks that need more than one row.

Rows are read one at a time; of each, some 200 bytes stay.
"""

from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.check_conversation import check_conversation
from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.conversation_text import answer_of, normalised_text, prompt_key
from tools.data.deduplicate import digest_of
from tools.data.enough_rows import MINIMUM_ROWS, REPEATED, refuse_too_few
from tools.data.finding import Finding
from tools.data.row_faults import finding

_LISTED_FINDINGS = 200


class ValidationReport(BaseModel):
    """What is wrong with a dataset version."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    rows_checked: int
    rows_usable: int = Field(description="Rows without an error; warnings do not count.")
    findings: tuple[Finding, ...] = Field(description="The first 200.")
    counts: dict[str, int] = Field(description="Findings of each code, all of them.")
    usable: bool = Field(description="Whether enough rows are usable to train and to compare.")


class RemoveReport(BaseModel):
    """What `remove_invalid` did."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the new dataset version.")
    rows_read: int = Field(description="Rows of the source, those with an error included.")
    rows_kept: int = Field(description="Rows of the new dataset version.")
    removed: dict[str, int] = Field(description="Rows left out, by the first error each had.")


def validate(path: Path) -> ValidationReport:
    """Check the dataset version at `path`.

    Raises:
        DatasetError: The dataset is missing, or a line is not a conversation.
    """
    listed: list[Finding] = []
    counts: Counter[str] = Counter()
    rows = usable = 0
    for _, found in checked_rows(path):
        rows += 1
        usable += _first_error(found) is None
        counts.update(one.code for one in found)
        listed += found[: _LISTED_FINDINGS - len(listed)]
    return ValidationReport(
        dataset=path.stem,
        rows_checked=rows,
        rows_usable=usable,
        findings=tuple(listed),
        counts=dict(counts),
        usable=usable >= MINIMUM_ROWS,
    )


def remove_invalid(source: Path, target_dir: Path) -> RemoveReport:
    """Write `source` without the rows that have an error as a new version to `target_dir`.

    Raises:
        DatasetError: `source` is missing or malformed, or fewer than 20 different rows would be
            left.
    """
    removed: dict[str, list[int]] = {}
    rows_kept = 0

    def kept() -> Iterator[Conversation]:
        """Yield the rows that stay. Too few are refused at the end, and then nothing is written."""
        nonlocal rows_kept
        different: set[bytes] = set()
        repeats: list[int] = []
        for conversation in _without_errors(source, removed):
            rows_kept += 1
            # Repeats stay here, but rows must be enough without them.
            if len(different) < MINIMUM_ROWS:
                digest = digest_of(conversation)
                if digest in different:
                    repeats.append(conversation.row)
                different.add(digest)
            yield conversation
        refuse_too_few(len(different), {**removed, REPEATED: repeats})

    version = write_version(target_dir, label_of(source), kept())
    return RemoveReport(
        dataset=version.stem,
        rows_read=rows_kept + sum(map(len, removed.values())),
        rows_kept=rows_kept,
        removed={code: len(rows) for code, rows in removed.items()},
    )


def checked_rows(path: Path) -> Iterator[tuple[Conversation, list[Finding]]]:
    """Yield every row of the dataset version at `path` with all that is wrong with it.

    Raises:
        DatasetError: The dataset is missing, or a line is not a conversation.
    """
    first_answer: dict[int, tuple[int, int]] = {}
    all_plain = all(one.plain_text for one in read_conversations(path))
    for conversation in read_conversations(path):
        found = check_conversation(conversation)
        if conversation.plain_text and not all_plain:
            message = "There is an answer and no question, unlike in other rows."
            found.append(finding(conversation.row, "messages", "no_question", message))
        # Plain text has no prompt, and a preference pair has two answers on purpose.
        if conversation.prompt and not conversation.chosen and _first_error(found) is None:
            answer = _digest(normalised_text(answer_of(conversation)))
            prompt = _digest(repr(prompt_key(conversation)))
            row, first = first_answer.setdefault(prompt, (conversation.row, answer))
            if first != answer:
                message = f"Row {row} answers the same prompt differently."
                found.append(finding(conversation.row, "messages", "conflicting_answers", message))
        yield conversation, found


def _without_errors(source: Path, removed: dict[str, list[int]]) -> Iterator[Conversation]:
    for conversation, found in checked_rows(source):
        error = _first_error(found)
        if error is None:
            yield conversation
        else:
            removed.setdefault(error.code, []).append(conversation.row)


def _digest(text: str) -> int:
    """Return 8 bytes of a hash: two of a million texts are alike by chance once in 37 million."""
    return int.from_bytes(blake2b(text.encode(errors="replace"), digest_size=8).digest())


def _first_error(found: list[Finding]) -> Finding | None:
    return next((one for one in found if one.severity == "error"), None)
