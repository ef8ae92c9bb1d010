"""Read a JSON body as it was meant: no repeated keys, no NaN, no nesting without end."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from backend.errors import Refusal

_DIGITS = 400  # more than any number of ours; Python refuses 4,300 with another error


class StrictRoute(APIRoute):
    """A route whose body is read by `parse_json`, and is refused when it is not JSON at all."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with our reader of bodies before it."""
        handle = super().get_route_handler()
        wants_json = self.body_field is not None and not _is_form(self)

        async def handle_strictly(request: Request) -> Response:
            if wants_json and request.headers.get("content-length", "") != "0":
                _check_media_type(request)
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


def _check_media_type(request: Request) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != "application/json":
        raise Refusal(415, "Send JSON, with the header 'Content-Type: application/json'.")


def _is_form(route: APIRoute) -> bool:
    from fastapi.params import Form

    return route.body_field is not None and isinstance(route.body_field.field_info, Form)
