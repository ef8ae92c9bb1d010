"""What a route may refuse with, for the OpenAPI document."""

from typing import Any

from backend.errors import Problem


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Return `responses` for a route that may answer with these status codes."""
    content = {Problem.media_type: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {code: {"model": Problem, "content": content} for code in codes}
