"""The job that shows rows as tokens, and which of them a training learns."""

from typing import Any

from sqlalchemy import Engine

from backend.jobs.place import Place
from backend.jobs.requests import PreviewRequest
from backend.jobs.work.repair import owned
from tools.data.conversation import Conversation
from tools.data.rows_to_show import rows_to_show
from tools.training.preview_tokens import preview_tokens


def do_preview(place: Place, engine: Engine) -> dict[str, Any]:
    """Return the tokens of some rows, or of a text."""
    ask = PreviewRequest.model_validate(place.asked)
    source = place.model(ask.model)
    preview = preview_tokens(
        source,
        _rows(place, engine, ask, ask.dataset) if ask.dataset else ask.text or "",
        max_length=ask.max_length,
        chat_template=ask.chat_template,
    )
    return preview.model_dump(mode="json")


def _rows(place: Place, engine: Engine, ask: PreviewRequest, name: str) -> list[Conversation]:
    dataset = owned(place, engine, name)
    return rows_to_show(place.workspace.dataset(dataset.version), ask.rows)
