"""How the API says no: problem details (RFC 9457), the same shape everywhere.

What was sent is never repeated: it may be a password. What we did not expect is logged whole and
answered without a word about our insides.
"""

import errno
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.routing import compile_path

from backend.request_id import request_id
from tools.errors import ToolError, TrackingError

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 5
_LISTED = 100
_PLACES = ("body", "query", "path", "header")
_STATUS_CODES = {
    400: "malformed_request",
    401: "invalid_token",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "validation_error",
    429: "too_many_requests",
    503: "unavailable",
    507: "disk_full",
}


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    pointer: str = Field(description="JSON pointer to it, e.g. '/recipe/learning_rate'.")
    code: str
    detail: str = Field(description="What is wrong, for a person.")


class Problem(BaseModel):
    """Why a request was refused, and what to do."""

    media_type: ClassVar[str] = "application/problem+json"

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="For a person: what is wrong, and the remedy.")
    code: str = Field(description="For a program: it does not change with the wording.")
    instance: str = Field(description="Path of the request.")
    request_id: str = Field(description="The same stands in the server's log.")
    errors: list[FieldProblem] = []


class Refusal(HTTPException):
    """A request is refused for a reason that the caller can act on."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers=dict(headers or {}))
        self.code = code or _STATUS_CODES.get(status, "refused")
        self.errors = list(errors)


def not_found() -> Refusal:
    """Return the one answer for what does not exist and for what is another's."""
    return Refusal(404, "There is no such thing here. Check the address, or list what there is.")


def refused_field(pointer: str, code: str, detail: str, status: int = 422) -> Refusal:
    """Return a refusal for one field."""
    problem = FieldProblem(pointer=pointer, code=code, detail=detail)
    return Refusal(status, detail, code=code, errors=[problem])


def install_error_handlers(app: FastAPI) -> None:
    """Let `app` answer every error as a problem."""
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ToolError, _tool)
    app.add_exception_handler(OperationalError, _database)
    app.add_exception_handler(OSError, _disk)
    app.add_exception_handler(Exception, _unexpected)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    # Whatever fails while a body is received, FastAPI calls a malformed body; our disk is ours.
    if isinstance(error.__cause__, OSError):
        return await _disk(request, error.__cause__)
    if not isinstance(error, Refusal):
        words = {
            404: not_found().detail,
            405: "This address does not take that method.",
            413: "The body is too large. Send less, or a file where one is taken.",
        }
        headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
        detail = words.get(error.status_code, error.detail)
        error = Refusal(error.status_code, detail, headers=headers)
    return _answer(request, error)


def _allowed(request: Request) -> str:
    """Return every method of the address; the framework names those of one of its routes."""
    routes = [(one.path, one.methods) for one in iter_route_contexts(request.app.routes)]
    asked = request.url.path
    here = next((path for path, _ in routes if path and compile_path(path)[0].match(asked)), None)
    allowed = {one for path, methods in routes if path == here for one in methods or ()}
    return ", ".join(sorted(allowed))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if any(one["type"] == "json_invalid" for one in error.errors()):
        refusal = Refusal(400, "The body is not JSON.", code="malformed_json")
        return _answer(request, refusal)
    return _answer(request, invalid_fields(error.errors()))


def invalid_fields(found: Sequence[Mapping[str, Any]], under: tuple[str, ...] = ()) -> Refusal:
    """Return a refusal of every field that pydantic `found` wrong, each below the field `under`."""
    problems = [_field_problem(one, under) for one in found[:_LISTED]]
    said = f"{len(found)} fields are invalid." if len(found) > 1 else "One field is invalid."
    shown = " ".join(f"{one.pointer}: {one.detail}." for one in problems[:5])
    return Refusal(422, f"{said} {shown}", errors=problems)


def _field_problem(error: Mapping[str, Any], under: tuple[str, ...]) -> FieldProblem:
    parts = [str(part) for part in (*under, *error["loc"])]
    # FastAPI says first where it stood; a field of that name comes after.
    place = parts[1:] if not under and parts and parts[0] in _PLACES else parts
    pointer = "/" + "/".join(part.replace("~", "~0").replace("/", "~1")[:100] for part in place)
    # A validator of ours writes for people; pydantic's other messages name the rule alone.
    detail = str(error["msg"]).removeprefix("Value error, ")
    return FieldProblem(pointer=pointer, code=str(error["type"]), detail=detail)


async def _tool(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ToolError)
    if isinstance(error, TrackingError):
        headers = {"Retry-After": str(_RETRY_SECONDS)}
        return _answer(request, Refusal(503, str(error), code=error.code, headers=headers))
    return _answer(request, Refusal(422, str(error), code=error.code))


async def _database(request: Request, error: Exception) -> JSONResponse:
    logger.error("The database cannot be used.", exc_info=error)
    full = "disk is full" in str(error) or "No space left" in str(error)
    if full:
        return _answer(request, _disk_full())
    return _answer(
        request,
        Refusal(
            503,
            f"The database is busy or away. Try again in {_RETRY_SECONDS} seconds.",
            code="database_unavailable",
            headers={"Retry-After": str(_RETRY_SECONDS)},
        ),
    )


async def _disk(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        logger.error("The disk is full.", exc_info=error)
        return _answer(request, _disk_full())
    return await _unexpected(request, error)


def _disk_full() -> Refusal:
    return Refusal(507, "The server's disk is full. Delete datasets or runs, then try again.")


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed.", request.method, request.url.path, exc_info=error)
    detail = "The server failed. Its log says why, beside this request's id."
    return _answer(request, Refusal(500, detail, code="internal_error"))


def _answer(request: Request, refusal: Refusal) -> JSONResponse:
    problem = Problem(
        title=HTTPStatus(refusal.status_code).phrase,
        status=refusal.status_code,
        detail=str(refusal.detail),
        code=refusal.code,
        instance=request.url.path[:200],
        request_id=request_id.get(),
        errors=refusal.errors,
    )
    headers = dict(refusal.headers or {})
    if refusal.status_code == 401:
        headers.setdefault("WWW-Authenticate", 'Bearer error="invalid_token"')
    return JSONResponse(
        problem.model_dump(mode="json"),
        refusal.status_code,
        headers=headers,
        media_type=Problem.media_type,
    )
