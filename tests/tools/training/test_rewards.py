import time
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.colours import chat
from tools.data.conversation import Conversation, Message
from tools.errors import DatasetError
from tools.training.rewards import (
    Reward,
    Written,
    expected_by,
    judge,
    names_of,
    weighed,
    within_bounds,
)

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
ADAPTER: TypeAdapter[Reward] = TypeAdapter(Reward)
MEGABYTE = 1_000_000


def reward(name: str, **values: Any) -> Reward:
    return ADAPTER.validate_python({"name": name, **values})


def given(one: Reward, text: str, *expected: str, tokens: int = 0) -> float:
    return judge(one, Written(text, tokens), expected)


def by_schema(schema: dict[str, Any], text: str) -> float:
    return given(reward("json_schema", answer_schema=schema), text)


@pytest.mark.parametrize(
    ("pattern", "text", "value"),
    [
        (r"\d+", "42", 1.0),
        (r"\d+", " 42\n", 1.0),
        (r"\d+", "42 apples", 0.0),
        (r"\d+", "it is 42", 0.0),
        (r"<think>(?s:.*)</think>\s*\d+", "<think>\nsix times\nseven\n</think>\n\n42", 1.0),
        (r".*", "two\nlines", 0.0),
        (r"(?s).*", "two\nlines", 1.0),
        (r"\pL+", "Größe", 1.0),
        (r"[?]", "\ud800", 1.0),
    ],
)
def test_the_format_is_that_of_the_whole_answer(pattern: str, text: str, value: float) -> None:
    assert given(reward("format", pattern=pattern), text) == value


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|aa)*b", "(.*a){20}", "a*a*a*a*a*a*a*a*b"])
@pytest.mark.parametrize("length", [50_000, MEGABYTE])
def test_a_hostile_answer_is_matched_in_no_time(pattern: str, length: int) -> None:
    one = reward("format", pattern=pattern)
    began = time.monotonic()

    assert given(one, "a" * (length - 1) + "!") == 0.0

    assert time.monotonic() - began < 1


@pytest.mark.parametrize("pattern", [r"(a)\1", r"(?=a)", "(", "a{100000}", "a" * 2001, ""])
def test_a_pattern_that_cannot_be_matched_in_linear_time_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match=r"regular expression|at least 1 character"):
        reward("format", pattern=pattern)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("exact_match", "Paris", 1.0),
        ("exact_match", " Paris\n", 1.0),
        ("exact_match", "paris", 0.0),
        ("exact_match", "Paris, France", 0.0),
        ("exact_match", "<think>\nthe capital\n</think>\n\nParis", 1.0),
        ("normalised_match", "paris", 1.0),
        ("normalised_match", "  PARIS ", 1.0),
        ("normalised_match", "Pa\u200dris", 0.0),
        ("normalised_match", "", 0.0),
    ],
)
def test_an_answer_matches_one_of_the_right_ones(name: str, text: str, value: float) -> None:
    assert given(reward(name), text, "Rome", "Paris") == value


@pytest.mark.parametrize(
    "text", ["\u0301\u0327" * 25_000, "\u0301\u0327" * 500_000, "a" * MEGABYTE]
)
def test_a_hostile_answer_is_compared_in_no_time(text: str) -> None:
    began = time.monotonic()

    assert given(reward("normalised_match"), "a" + text, "Paris") == 0.0

    assert time.monotonic() - began < 2


def test_the_right_answer_stands_in_a_column_or_is_that_of_the_row() -> None:
    row = chat("What is the capital?", "<think>It is</think>Paris").model_copy(
        update={"extra": {"solution": ["Paris", 7, True], "empty": " ", "none": None}}
    )
    pair = Conversation(
        messages=(Message(role="user", content="?"),),
        chosen=(Message(role="assistant", content="Yes"),),
        rejected=(Message(role="assistant", content="No"),),
        row=2,
    )

    assert expected_by(reward("exact_match"), row) == ("Paris",)
    assert expected_by(reward("exact_match"), pair) == ("Yes",)
    assert expected_by(reward("exact_match", column="solution"), row) == ("Paris", "7", "true")
    assert expected_by(reward("length", most=3), row) == ()
    for column in ("empty", "none", "absent"):
        with pytest.raises(
            DatasetError, match=f"Row 1 has no right answer in its column '{column}"
        ):
            expected_by(reward("normalised_match", column=column), row)


@pytest.mark.parametrize("label", [None, False])
def test_a_bad_answer_and_a_question_are_no_right_answer(label: bool | None) -> None:
    row = chat("?", "Wrong.").model_copy(update={"label": label})
    asked = row.model_copy(update={"messages": row.messages[:1]}) if label is None else row

    with pytest.raises(DatasetError, match="Row 1 has no right answer in its last turn"):
        expected_by(reward("exact_match"), asked)


@pytest.mark.parametrize(
    ("length", "value"), [(0, 0.0), (2, 0.5), (4, 1.0), (8, 1.0), (10, 0.8), (80, 0.1)]
)
def test_a_length_out_of_bounds_gets_less_the_further_it_is(length: int, value: float) -> None:
    assert within_bounds(length, 4, 8) == value


def test_a_length_is_of_tokens_or_of_characters() -> None:
    written = Written("four words stand here ", tokens=7)

    assert judge(reward("length", most=7), written) == 1.0
    assert judge(reward("length", most=7, unit="characters"), written) == 7 / 21
    assert within_bounds(0, 0, 5) == 1.0
    with pytest.raises(ValidationError, match="least may not be above most"):
        reward("length", least=6, most=5)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"name": "Ada", "age": 36}', 1.0),
        ('<think>\nJSON\n</think>\n{"name": "Ada", "age": 36}', 1.0),
        ('{"name": "Ada", "age": 36, "city": "London"}', 0.5),
        ('{"name": "Ada", "age": -1}', 0.25),
        ('{"name": "Ada"}', 0.25),
        ('{"name": 7, "age": "old"}', 0.0),
        ('["Ada", 36]', 0.0),
        ('The answer is {"name": "Ada", "age": 36}', 0.0),
        ('{"name": "Ada", "age": NaN}', 0.0),
        ("", 0.0),
    ],
)
def test_json_of_the_shape_is_right_and_half_right_by_its_required_fields(
    text: str, value: float
) -> None:
    assert by_schema(PERSON, text) == value


def test_what_a_schema_refers_to_is_judged() -> None:
    schema = {
        "$defs": {"Word": {"type": "string", "pattern": "^[a-z]+$"}},
        "type": "array",
        "items": {"$ref": "#/$defs/Word", "maxLength": 3},
        "uniqueItems": True,
    }

    texts = ('["red", "tan"]', '["Red"]', '["green"]', '["red", "red"]')
    assert [by_schema(schema, text) for text in texts] == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "object"}, "[" * 49_000),
        ({"type": "object"}, '{"a":' * 8_000),
        ({"const": 1}, "[" * 20_000 + "]" * 20_000),
        ({"uniqueItems": True, "type": "array", "maxItems": 1}, "[" + '1,"a",' * 8_000 + "1]"),
        ({"multipleOf": 0.5}, "1" + "0" * 400),
        ({"type": "string"}, "9" * 49_000),
        ({"pattern": "^(a+)+$"}, '"' + "a" * 49_000 + '!"'),
        ({"type": "string"}, '"' + "a" * MEGABYTE + '"'),
    ],
)
def test_hostile_json_is_judged_in_no_time(schema: dict[str, Any], text: str) -> None:
    by_schema(schema, "1")  # jsonschema is imported
    began = time.monotonic()

    assert by_schema(schema, text) == 0.0

    assert time.monotonic() - began < 1


def _doubling(levels: int) -> dict[str, Any]:
    """Return a schema of a few lines that is two to the `levels` parts when written out."""
    parts: dict[str, Any] = {"L0": {"type": "string"}}
    for level in range(1, levels + 1):
        parts[f"L{level}"] = {"allOf": [{"$ref": f"#/$defs/L{level - 1}"}] * 2}
    return {"$defs": parts, "$ref": f"#/$defs/L{levels}"}


def _nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "text"}, "is not a JSON schema: see type"),
        ({"$ref": "#"}, "refers to itself"),
        ({"$defs": {"T": {"items": {"$ref": "#/$defs/T"}}}, "$ref": "#/$defs/T"}, "to itself"),
        (_doubling(30), "more than 2,000 parts"),
        (_nested(60), "nested more than 40"),
        ({"$ref": "https://example.org/s.json"}, "its own parts alone"),
        ({"$ref": "file:///etc/passwd"}, "its own parts alone"),
        ({"$ref": "#/$defs/Absent"}, "has no part '#/\\$defs/Absent'"),
        ({"patternProperties": {"(a+)+b": {}}}, "may not have patternProperties"),
        ({"pattern": r"(a)\1"}, "regular expression cannot be used"),
    ],
)
def test_a_schema_that_cannot_be_judged_by_is_refused(schema: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        reward("json_schema", answer_schema=schema)


def test_rewards_count_by_their_weights() -> None:
    rewards = [
        reward("format", pattern="a+", weight=3),
        reward("length", most=5),
        reward("format", pattern="b+", weight=0.5),
    ]

    assert weighed(rewards, [1.0, 0.5, 0.0]) == pytest.approx(3.5 / 4.5)
    assert names_of(rewards) == ["format_1", "length", "format_2"]


@pytest.mark.parametrize(
    "values",
    [
        {"name": "magic"},
        {"name": "format", "pattern": "a", "weight": 0},
        {"name": "format", "pattern": "a", "weight": float("nan")},
        {"name": "format"},
        {"name": "exact_match", "pattern": "a"},
        {"name": "length", "most": 0},
    ],
)
def test_a_reward_that_is_not_spelled_right_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ADAPTER.validate_python(values)
