"""Judge an answer by a JSON schema, in bounded time whatever the answer holds.

The schema is that of a recipe, in the draft of 2020-12. Its references are replaced by what they
name before anything is judged, so nothing is fetched and nothing refers to itself without end; its
patterns are matched in linear time.

Not covered: recursive schemas, `patternProperties`, and `format`, which promises nothing by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NoReturn

from tools.training.linear_pattern import linear_pattern

_MOST_PARTS, _DEEPEST = 2_000, 40
_REFUSED = ("patternProperties", "$dynamicRef", "$recursiveRef", "$id")
_PART_OF_RIGHT = 0.5  # what an answer gets whose required fields are right and that is not valid

Schema = Mapping[str, Any]


def check_answer_schema(schema: Schema) -> None:
    """Check that answers can be judged by `schema`.

    Raises:
        ValueError: They cannot, and why.
    """
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]

    whole = without_references(schema)
    try:
        Draft202012Validator.check_schema(whole)
    except SchemaError as error:
        place = "/".join(map(str, error.absolute_path)) or "its top"
        raise ValueError(f"answer_schema is not a JSON schema: see {place}") from error
    for part in _parts(whole):
        pattern = part.get("pattern")
        if isinstance(pattern, str):
            linear_pattern(pattern)


def share_right(schema: Schema, text: str) -> float:
    """Return how right `text` is by `schema`: 1 when it is valid JSON of that shape.

    Otherwise it is half of the share of the required fields that are there and right by
    themselves, and 0 for what is not JSON.
    """
    validator = _validator(json.dumps(schema, sort_keys=True))
    try:
        found = json.loads(text, parse_constant=_no_number)
        if validator.is_valid(found):
            return 1.0
        return _PART_OF_RIGHT * _required_share(validator, found)
    # JSON may be nested deeper than Python goes, and its numbers larger than a float is.
    except (ValueError, RecursionError, OverflowError):
        return 0.0


def _required_share(validator: Any, found: object) -> float:
    required = validator.schema.get("required", [])
    fields = validator.schema.get("properties", {})
    if not required or not isinstance(found, dict):
        return 0.0
    right = sum(
        name in found and validator.evolve(schema=fields.get(name, True)).is_valid(found[name])
        for name in required
    )
    return float(right / len(required))


def without_references(schema: Schema) -> dict[str, Any]:
    """Return `schema` with what its references name in their place.

    Raises:
        ValueError: A reference leads nowhere, outside or back to itself, or the schema is too
            large.
    """
    whole: dict[str, Any] = _resolved(schema, schema, [_MOST_PARTS], depth=0)
    return whole


def _resolved(part: Any, root: Schema, room: list[int], *, depth: int) -> Any:
    room[0] -= 1
    if room[0] < 0 or depth > _DEEPEST:
        raise ValueError(
            f"answer_schema has more than {_MOST_PARTS:,} parts, is nested more than {_DEEPEST} "
            "deep, or refers to itself; give a smaller one"
        )
    if isinstance(part, list):
        return [_resolved(one, root, room, depth=depth + 1) for one in part]
    if not isinstance(part, Mapping):
        return part
    refused = next((name for name in _REFUSED if name in part), None)
    if refused is not None:
        raise ValueError(f"answer_schema may not have {refused}; say it in another way")
    reference = part.get("$ref")
    # What is defined is judged where it is referred to.
    left_out = {"$defs", "definitions"} if depth == 0 else set()
    own = {
        name: _resolved(value, root, room, depth=depth + 1)
        for name, value in part.items()
        if name not in left_out and not (name == "$ref" and isinstance(reference, str))
    }
    if not isinstance(reference, str):
        return own
    named = _resolved(_named(reference, root), root, room, depth=depth + 1)
    return {**own, "allOf": [*own.get("allOf", []), named]}


def _named(reference: str, root: Schema) -> Any:
    """Return the part of `root` that a reference such as `#/$defs/Address` names."""
    found: Any = root
    if reference != "#" and not reference.startswith("#/"):
        raise ValueError("answer_schema may refer to its own parts alone, as in '#/$defs/Address'")
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or name not in found:
            raise ValueError(f"answer_schema has no part {reference[:80]!r}")
        found = found[name]
    return found


@lru_cache(maxsize=16)
def _validator(schema: str) -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend  # type: ignore[import-untyped]

    # Its own keywords take time that grows faster than the answer.
    kind = extend(Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique_items})
    return kind(without_references(json.loads(schema)))


def _pattern(_: Any, pattern: str, found: Any, __: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(found, str) and not linear_pattern(pattern).search(found):
        yield ValidationError("It does not match.")


def _unique_items(_: Any, asked: bool, found: Any, __: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if asked and isinstance(found, list):
        different = {json.dumps(one, sort_keys=True) for one in found}
        if len(different) < len(found):
            yield ValidationError("An item stands there twice.")


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(schema, Mapping):
        yield schema
    for one in schema.values() if isinstance(schema, Mapping) else schema:
        if isinstance(one, Mapping | list):
            yield from _parts(one)


def _no_number(_: str) -> NoReturn:
    raise ValueError("JSON has no such number")
