"""Check every row of a dataset version, and write a version without the rows that failed.

All problems of all rows are found at once. What is checked stands in `check_conversation`; here
are the checks that need more than one row.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.data.check_conversation import check_conversation
from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.conversation_text import answer_of, normalised_text, prompt_key
from tools.data.deduplicate import without_repeats
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
    checked = list(_checked(path))
    findings = [one for _, found in checked for one in found]
    usable = sum(_first_error(found) is None for _, found in checked)
    return ValidationReport(
        dataset=path.stem,
        rows_checked=len(checked),
        rows_usable=usable,
        findings=tuple(findings[:_LISTED_FINDINGS]),
        counts=dict(Counter(one.code for one in findings)),
        usable=usable >= MINIMUM_ROWS,
    )


def remove_invalid(source: Path, target_dir: Path) -> RemoveReport:
    """Write `source` without the rows that have an error as a new version to `target_dir`.

    Raises:
        DatasetError: `source` is missing or malformed, or fewer than 20 different rows would be
            left.
    """
    kept: list[Conversation] = []
    removed: dict[str, list[int]] = {}
    for conversation, found in _checked(source):
        error = _first_error(found)
        if error is None:
            kept.append(conversation)
        else:
            removed.setdefault(error.code, []).append(conversation.row)
    # Repeats stay here, but rows that are too few without them are refused with all reasons.
    different, repeats = without_repeats(kept)
    refuse_too_few(len(different), {**removed, REPEATED: [row for row, _ in repeats]})
    return RemoveReport(
        dataset=write_version(target_dir, label_of(source), kept).stem,
        rows_read=len(kept) + sum(map(len, removed.values())),
        rows_kept=len(kept),
        removed={code: len(rows) for code, rows in removed.items()},
    )


def _checked(path: Path) -> Iterator[tuple[Conversation, list[Finding]]]:
    first_answer: dict[object, tuple[int, str]] = {}
    all_plain = all(one.plain_text for one in read_conversations(path))
    for conversation in read_conversations(path):
        found = check_conversation(conversation)
        if conversation.plain_text and not all_plain:
            message = "There is an answer and no question, unlike in other rows."
            found.append(finding(conversation.row, "messages", "no_question", message))
        # Plain text has no prompt, and a preference pair has two answers on purpose.
        if conversation.prompt and not conversation.chosen and _first_error(found) is None:
            answer = normalised_text(answer_of(conversation))
            first = first_answer.setdefault(prompt_key(conversation), (conversation.row, answer))
            if first[1] != answer:
                message = f"Row {first[0]} answers the same prompt differently."
                found.append(finding(conversation.row, "messages", "conflicting_answers", message))
        yield conversation, found


def _first_error(found: list[Finding]) -> Finding | None:
    return next((one for one in found if one.severity == "error"), None)
