"""Read a JSON file that a stranger wrote."""

import json
from pathlib import Path
from typing import Any

from tools.errors import ModelError

# tokenizer_config.json of models with many special tokens reaches a few hundred kilobytes.
_HIGHEST_BYTES = 16_000_000


def read_json_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`.

    Raises:
        ModelError: It cannot be read, is huge, or is not a JSON object.
    """
    try:
        if path.stat().st_size > _HIGHEST_BYTES:
            raise ModelError(f"{path.name} is larger than {_HIGHEST_BYTES // 10**6} MB.")
        content = json.loads(path.read_text(encoding="utf-8"))
    # RecursionError: thousands of nested brackets.
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path.name} cannot be read as JSON.") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path.name} must be a JSON object.")
    return content
