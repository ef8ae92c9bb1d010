"""What a route may refuse with, for the OpenAPI document."""

from typing import Any

from backend.errors import Problem


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """Return `responses` for a route that may answer with these status codes."""
    content = {Problem.media_type: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {code: {"model": Problem, "content": content} for code in codes}


def only_problems(document: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI document without what FastAPI adds beside each problem."""
    for path in document["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                problem = response.get("content", {}).get(Problem.media_type)
                if problem is not None:
                    response["content"] = {Problem.media_type: problem}
    return document
