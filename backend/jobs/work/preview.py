"""The job that shows rows as tokens, and which of them a training learns."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Engine

from backend.jobs.place import Place
from backend.jobs.requests import PreviewRequest
from backend.jobs.work.repair import owned
from tools.data.conversation import Conversation, read_conversations
from tools.errors import DatasetError
from tools.training.preview_tokens import preview_tokens

_ROWS = 5


def do_preview(place: Place, engine: Engine) -> dict[str, Any]:
    """Return the tokens of some rows, or of a text."""
    ask = PreviewRequest.model_validate(place.asked)
    source = place.model(ask.model)
    preview = preview_tokens(
        source,
        _rows(place, engine, ask.dataset, ask.rows) if ask.dataset else ask.text or "",
        max_length=ask.max_length,
        chat_template=ask.chat_template,
    )
    return preview.model_dump(mode="json")


def _rows(place: Place, engine: Engine, name: str, numbers: Sequence[int]) -> list[Conversation]:
    dataset = owned(place, engine, name)
    rows = read_conversations(place.workspace.dataset(dataset.version))
    if not numbers:
        return list(islice(rows, _ROWS))
    found = {row.row: row for row in rows if row.row in numbers}
    missing = [number for number in numbers if number not in found]
    if missing:
        raise DatasetError(f"The dataset {name!r} has no row {missing[0]}.")
    return [found[number] for number in numbers]
