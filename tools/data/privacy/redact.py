"""Take private data out of a dataset, as its owner's policy says.

The contents and thoughts of turns, the arguments of tool calls, segments, steps, the descriptions
of tools and the other columns are searched. A row at a time is held; a pseudonymised value costs
some 200 bytes more, as a digest.

Not covered: keys of JSON objects, names of tools, and the group of a row.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from tools.counted import counted
from tools.data.conversation import Conversation, label_of, read_conversations, write_version
from tools.data.conversation_text import texts_of, with_texts
from tools.data.enough_rows import MINIMUM_ROWS
from tools.data.privacy.detect import finder_of
from tools.data.privacy.kinds import KINDS, Action, Kind, PrivacyPolicy, spoken
from tools.data.privacy.pseudonyms import Pseudonyms
from tools.data.privacy.replace_private import replace_private
from tools.data.privacy.tally import Tally
from tools.errors import DatasetError


class RedactReport(BaseModel):
    """What `redact` found and did; no value is in it."""

    model_config = ConfigDict(frozen=True)

    dataset: str = Field(description="Name of the new dataset version.")
    rows_read: int
    rows_kept: int
    rows_changed: int = Field(description="Kept rows in which something was replaced.")
    found: dict[Kind, int] = Field(description="Values by kind; kinds that were not found: none.")
    rows: dict[Kind, int] = Field(description="Rows that hold the kind.")
    first_rows: dict[Kind, tuple[int, ...]] = Field(description="Numbers of the first 20 of them.")
    actions: dict[Kind, Action] = Field(description="What was done about each kind found.")


def redact(source: Path, target_dir: Path, policy: PrivacyPolicy) -> RedactReport:
    """Write `source` without the private data that `policy` takes out as a new version.

    Raises:
        DatasetError: `source` is missing or malformed; a kind was found about which the policy
            asks; too few rows would be left; or names are sought and spaCy is not there.
    """
    work = _Redaction(policy)
    target = write_version(target_dir, label_of(source), work.rows(source))
    return RedactReport(
        dataset=target.stem,
        rows_read=work.tally.rows_read,
        rows_kept=work.rows_kept,
        rows_changed=work.rows_changed,
        found=work.tally.found,
        rows=work.tally.rows,
        first_rows=work.tally.first_rows,
        actions={kind: policy.action(kind) for kind in work.tally.kinds},
    )


class _Redaction:
    """One pass over a dataset."""

    def __init__(self, policy: PrivacyPolicy) -> None:
        self.tally = Tally()
        self.rows_kept = 0
        self.rows_changed = 0
        self._policy = policy
        self._drops = "drop_row" in {policy.action(kind) for kind in KINDS}
        self._find = finder_of(policy)
        self._pseudonyms = Pseudonyms(policy.phone_region)

    def rows(self, source: Path) -> Iterator[Conversation]:
        """Yield the rows that stay. Refusals come at the end, and then no version is written."""
        for conversation in read_conversations(source):
            changed = self._changed(conversation)
            if changed is not None:
                self.rows_kept += 1
                self.rows_changed += changed is not conversation
                yield changed
        self._refuse_open_questions(source.stem)
        self._refuse_too_few()

    def _changed(self, conversation: Conversation) -> Conversation | None:
        """Return the row without its private data, or None when it is to be left out."""
        texts = [text for _, text in texts_of(conversation)]
        if self._to_drop(conversation.row, texts):
            return None
        replaced: dict[str, str] = {}
        kinds: list[Kind] = []
        for text in texts:
            replaced[text], found = replace_private(
                text, self._policy, self._find, self._pseudonyms
            )
            kinds.extend(found)
        self.tally.add(conversation.row, kinds)
        return with_texts(conversation, replaced.__getitem__) if kinds else conversation

    def _to_drop(self, row: int, texts: list[str]) -> bool:
        if not self._drops:
            return False
        kinds = [span.kind for text in texts for span in self._find(text)]
        drop = any(self._policy.action(kind) == "drop_row" for kind in kinds)
        if drop:
            # What is left out must give no stand-in a number.
            self.tally.add(row, kinds)
        return drop

    def _refuse_open_questions(self, dataset: str) -> None:
        """Raise when the owner wanted to be asked about something that was found."""
        found, rows = self.tally.found, self.tally.rows
        asked = [kind for kind in self.tally.kinds if self._policy.action(kind) == "ask"]
        if asked:
            counts = [
                f"{kind}: {spoken(kind, found[kind])} in {counted(rows[kind], 'row')}"
                for kind in asked
            ]
            raise DatasetError(
                f"Dataset {dataset!r} needs a decision about {'; '.join(counts)}. "
                "Choose report, drop_row, mask or pseudonymise for each."
            )

    def _refuse_too_few(self) -> None:
        dropped = self.tally.rows_read - self.rows_kept
        if dropped and self.rows_kept < MINIMUM_ROWS:
            raise DatasetError(
                f"Only {counted(self.rows_kept, 'row')} would be left of {self.tally.rows_read}, "
                f"{MINIMUM_ROWS} are needed. Left out for private data: {dropped}. "
                "Choose mask or pseudonymise instead of drop_row, or add more examples."
            )
