"""Read a JSON body as it was meant: no repeated keys, no NaN, no nesting without end.

A body of another kind than the route takes is refused before it is read, forms included.
"""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.params import File, Form
from fastapi.routing import APIRoute

from backend.errors import Refusal

_DIGITS = 400  # more than any number of ours; Python refuses 4,300 with another error


class StrictRoute(APIRoute):
    """A route whose JSON is read by `parse_json`, and whose body is of the kind that it takes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with our reader of bodies before it."""
        handle = super().get_route_handler()
        taken = _media_types(self)

        async def handle_strictly(request: Request) -> Response:
            if taken and request.headers.get("content-length", "") != "0":
                _check_media_type(request, taken)
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly


class _StrictRequest(Request):
    async def json(self) -> Any:
        return parse_json(await self.body())


def parse_json(body: bytes) -> Any:
    """Return what `body` spells.

    Raises:
        Refusal: 400: it is not JSON, repeats a key, or is nested too deeply.
    """
    try:
        return json.loads(
            body,
            object_pairs_hook=_without_repeats,
            parse_int=_whole_number,
            parse_constant=float,
        )
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "The body is not JSON.", code="malformed_json") from error


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise Refusal(400, "The body has the same key twice.", code="duplicate_key")
    return content


def _whole_number(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise ValueError("too many digits")
    return int(digits)


def _check_media_type(request: Request, taken: tuple[str, ...]) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in taken:
        raise Refusal(415, f"Send this with the header 'Content-Type: {taken[0]}'.")


def _media_types(route: APIRoute) -> tuple[str, ...]:
    """Return what the route takes, or nothing when it takes no body."""
    if route.body_field is None:
        return ()
    body = route.body_field.field_info
    if isinstance(body, File):
        return ("multipart/form-data",)
    if isinstance(body, Form):
        return ("application/x-www-form-urlencoded", "multipart/form-data")
    return ("application/json",)
