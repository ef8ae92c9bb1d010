"""The errors of this client.

* ApiError          the studio refused, failed, or answered what cannot be understood
  x NotSignedIn     sign in (again)
  x Unreachable     nothing answered
"""

from collections.abc import Sequence

import httpx2
from pydantic import Field, ValidationError

from crewtune.frozen import Frozen


class FieldProblem(Frozen):
    """What is wrong with one field of a request."""

    pointer: str = Field(description="JSON pointer to it, e.g. '/recipe/learning_rate'.")
    code: str
    detail: str


class ApiError(Exception):
    """What was asked was not done. As a text it says why, and what to do.

    Attributes:
        status: HTTP status; 0 when there was no answer.
        code: For programs, e.g. `not_found`: it does not change with the wording.
        detail: For people.
        errors: What is wrong with which field.
        request_id: The same stands in the studio's log.

    Example:
        try:
            studio.train("tiny-instruct", "requests")
        except ApiError as error:
            print(error.code, error)
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        request_id: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.request_id = request_id


class NotSignedIn(ApiError):
    """Nobody is signed in, or no longer."""


class Unreachable(ApiError):
    """Nothing answered, or the connection broke."""

    def __init__(self, detail: str) -> None:
        super().__init__(0, "unreachable", detail)


class _Problem(Frozen):
    status: int = 0
    code: str
    detail: str
    errors: tuple[FieldProblem, ...] = ()
    request_id: str | None = None


def refusal(response: httpx2.Response) -> ApiError:
    """Return what `response`, which has been read, says went wrong."""
    try:
        problem = _Problem.model_validate_json(response.content)
    except ValidationError:
        problem = _unexplained(response)
    named = problem.request_id or response.headers.get("X-Request-ID")
    return _error(problem.model_copy(update={"status": response.status_code, "request_id": named}))


def refusal_in_stream(data: str) -> ApiError:
    """Return what a stream said before it ended."""
    try:
        return _error(_Problem.model_validate_json(data))
    except ValidationError:
        return ApiError(0, "unexpected_answer", "The studio ended the stream, and not why.")


def not_understood(url: httpx2.URL) -> ApiError:
    """Return the error for an answer that is not one of ours."""
    detail = f"What answers at {_origin(url)} is no CrewTune studio, or one of another version."
    return ApiError(200, "unexpected_answer", detail)


def _error(problem: _Problem) -> ApiError:
    kind = NotSignedIn if problem.status == httpx2.codes.UNAUTHORIZED else ApiError
    return kind(
        problem.status,
        problem.code,
        problem.detail,
        errors=problem.errors,
        request_id=problem.request_id,
    )


def _unexplained(response: httpx2.Response) -> _Problem:
    origin = _origin(response.request.url)
    if response.is_redirect:
        detail = f"{origin} sends elsewhere. Give the address of the studio itself."
    else:
        status = f"{response.status_code} {response.reason_phrase}".strip()
        detail = f"{origin} answered {status}, and not why."
    return _Problem(detail=detail, code="unexpected_answer")


def _origin(url: httpx2.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode('ascii')}"
