"""Structured logs: one JSON object a line, with the request's id and without secrets."""

import logging
import re
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from backend.request_id import request_id

_SECRET = re.compile(
    r"(?i)([\w-]*(?:password|token|secret|api_key|authorization|_code)[\"']?\s*[=:]\s*[\"']?)"
    r"(?:bearer\s+)?[^\s\"',&}]+"
    r"|(bearer\s+)[\w.~+/=-]+"
)
_JWT = re.compile(r"eyJ[\w-]{5,}\.[\w-]+\.[\w-]*")
_CODE = re.compile(r"\bct[a-z]?_[A-Za-z0-9_-]{10,}")  # API keys, invitations, setup codes
_QUIET = ("uvicorn.access", "httpx", "httpx2", "alembic", "passlib")


def configure_logs(level: str = "INFO") -> None:
    """Send every log record to standard error as a line of JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines())
    handler.addFilter(_Secrets())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def without_secrets(text: str) -> str:
    """Return `text` with whatever looks like a password, token or key replaced by stars."""
    text = _SECRET.sub(lambda found: f"{found[1] or found[2]}***", text)
    return _CODE.sub("***", _JWT.sub("***", text))


class _Lines(JsonFormatter):
    def __init__(self) -> None:
        super().__init__(
            "{asctime}{levelname}{name}{message}{request_id}",
            style="{",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
        )

    def formatException(self, ei: Any) -> str:
        return without_secrets(str(super().formatException(ei)))


class _Secrets(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = without_secrets(record.getMessage())
        record.args = ()
        record.request_id = request_id.get()
        return True
