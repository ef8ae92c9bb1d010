"""What a user says of the columns is followed, once it fits the first rows."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.tools.data.rows import chat, load_version, save_lines
from tools.data.import_dataset import import_dataset
from tools.data.mapping import Mapping
from tools.errors import DatasetError

TURNS = [{"who": "customer", "said": "Hi"}, {"who": "desk", "said": "Yes."}]
ROLES = {"customer": "user", "desk": "assistant"}


@pytest.mark.parametrize(
    ("mapping", "row"),
    [
        (
            {"format": "alpaca", "columns": {"prompt": "Frage", "answer": "Antwort"}},
            {"Frage": "Hi", "Antwort": "Yes.", "text": "Other"},
        ),
        (
            {
                "format": "sharegpt",
                "columns": {"messages": "log"},
                "roles": ROLES,
                "role_key": "who",
                "content_key": "said",
            },
            {"log": TURNS},
        ),
        (
            {"format": "messages", "columns": {"messages": "messages"}, "roles": ROLES},
            {
                "messages": [
                    {"role": "customer", "content": "Hi"},
                    {"role": "desk", "content": "Yes."},
                ]
            },
        ),
        (
            {
                "format": "question-answer",
                "columns": {"pairs": "list", "prompt": "question", "answer": "answer"},
            },
            {"list": [{"question": "Hi", "answer": "Yes."}]},
        ),
    ],
)
def test_a_mapping_is_followed(
    tmp_path: Path, mapping: dict[str, Any], row: dict[str, Any]
) -> None:
    layout = Mapping.model_validate(mapping)

    report = import_dataset(save_lines(tmp_path, row), tmp_path, layout=layout)

    assert load_version(tmp_path, report.dataset) == [chat("Hi")]
    assert (report.format, report.confidence) == (layout.format, 1.0)


def test_a_mapping_may_choose_another_of_the_possible_formats(tmp_path: Path) -> None:
    path = save_lines(tmp_path, {"prompt": "Hi", "answer": "42"})

    report = import_dataset(
        path, tmp_path, layout=Mapping(format="prompt-only", columns={"prompt": "prompt"})
    )

    assert load_version(tmp_path, report.dataset)[0].extra == {"answer": "42"}


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        (
            {"format": "alpaca", "columns": {"prompt": "a"}},
            "The format alpaca needs a column for: answer.",
        ),
        (
            {"format": "unpaired-preference", "columns": {"label": "a", "prompt": "b"}},
            "The format unpaired-preference needs a column for: answer.",
        ),
        (
            {"format": "text", "columns": {"answer": "b", "chosen": "a"}},
            "The format text has no part 'chosen'. Leave it out, or choose another format.",
        ),
        (
            {"format": "text", "columns": {"answer": "story"}},
            "'rows.jsonl' has no column 'story' for the part 'answer'. Its first rows have: a, b.",
        ),
        (
            {"format": "text", "columns": {"answer": "a"}},
            "'rows.jsonl' does not fit the format text: column 'a': it is not text. Write it as "
            "text.",
        ),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused_with_its_column(
    tmp_path: Path, mapping: dict[str, Any], reason: str
) -> None:
    path = save_lines(tmp_path, {"a": 1, "b": "Hi"})

    with pytest.raises(DatasetError) as refusal:
        import_dataset(path, tmp_path, layout=Mapping.model_validate(mapping))

    assert str(refusal.value) == reason


@pytest.mark.parametrize(
    "said",
    [
        {"columns": {"prompt": "p" * 201, "answer": "a"}},
        {"columns": {}, "roles": {"r" * 201: "user"}},
        {"columns": {}, "roles": dict.fromkeys(map(str, range(101)), "user")},
        {"columns": {}, "role_key": "k" * 201},
        {"columns": {}, "content_key": "k" * 201},
    ],
)
def test_a_mapping_with_names_without_end_is_none(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="at most"):
        Mapping.model_validate({"format": "alpaca", **said})
