"""Show what the cleaning and the privacy of a policy would do with some rows, and write nothing.

Stand-ins are numbered within the rows shown, so they may have other numbers in a repaired dataset.
"""

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, ConfigDict, Field

from tools.data.clean_dataset import clean_text
from tools.data.conversation import Conversation
from tools.data.conversation_text import texts_of, with_texts
from tools.data.data_policy import DataPolicy
from tools.data.privacy.detect import finder_of
from tools.data.privacy.pseudonyms import Pseudonyms
from tools.data.privacy.replace_private import replace_private

_SHOWN = 5


class Change(BaseModel):
    """A row before and after."""

    model_config = ConfigDict(frozen=True)

    row: int
    before: tuple[str, ...] = Field(description="Its texts.")
    after: tuple[str, ...] | None = Field(description="None where the row would be left out.")


def changes(
    rows: Iterable[Conversation], policy: DataPolicy, *, shown: int = _SHOWN
) -> Iterator[Change]:
    """Yield the first of `rows` that `policy` would change or leave out.

    Raises:
        DatasetError: The policy seeks names and spaCy is not there, or names no country.
    """
    find = finder_of(policy.privacy)
    pseudonyms = Pseudonyms(policy.privacy.phone_region)

    def replaced(text: str) -> str:
        return replace_private(text, policy.privacy, find, pseudonyms)[0]

    for row in rows:
        clean = with_texts(row, lambda text: clean_text(text, policy.cleaning)[0])
        kinds = {span.kind for _, text in texts_of(clean) for span in find(text)}
        dropped = any(policy.privacy.action(kind) == "drop_row" for kind in kinds)
        after = None if dropped else with_texts(clean, replaced)
        if after is not row:
            yield Change(row=row.row, before=_texts(row), after=_texts(after) if after else None)
            shown -= 1
        if not shown:
            return


def _texts(row: Conversation) -> tuple[str, ...]:
    return tuple(text for _, text in texts_of(row))
