"""A policy becomes repairs, in an order in which none hides what the next one looks for."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tools.data.data_policy import DataPolicy
from tools.data.privacy.kinds import PrivacyPolicy
from tools.data.repair import (
    Clean,
    Deduplicate,
    Redact,
    RemoveContaminated,
    RemoveInvalid,
    RemoveMarked,
    RemoveNearDuplicates,
)


def test_by_default_rows_are_cleaned_masked_checked_and_compared() -> None:
    assert DataPolicy().repairs() == (Clean(), Redact(), RemoveInvalid(), Deduplicate())


def test_all_that_a_policy_can_ask_for_is_done_in_its_order() -> None:
    privacy = PrivacyPolicy(email="drop_row")
    policy = DataPolicy(
        cleaning=("markup",),
        privacy=privacy,
        scan="strict",
        marked="drop_row",
        near_duplicates="drop_row",
        near_threshold=0.9,
        benchmarks=("exam",),
    )

    assert policy.repairs() == (
        Clean(steps=("markup",)),
        Redact(policy=privacy),
        RemoveMarked(level="strict"),
        RemoveInvalid(),
        Deduplicate(),
        RemoveNearDuplicates(threshold=0.9),
        RemoveContaminated(benchmarks=("exam",)),
    )


@pytest.mark.parametrize("choice", ["report", "ask"])
def test_what_is_only_reported_or_asked_about_is_not_repaired(choice: str) -> None:
    policy = DataPolicy.model_validate(
        {
            "cleaning": [],
            "marked": choice,
            "near_duplicates": choice,
            "benchmarks": ["exam"],
            "contaminated": choice,
        }
    )

    assert policy.repairs() == (Redact(), RemoveInvalid(), Deduplicate())


@pytest.mark.parametrize(
    "wrong",
    [
        {"near_threshold": 0.4},
        {"near_threshold": "nan"},
        {"benchmarks": ["../secrets"]},
        {"marked": "mask"},
        {"privacy": {"email": "hide"}},
        {"colour": "blue"},
    ],
)
def test_what_a_policy_cannot_mean_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        DataPolicy.model_validate(wrong)


def test_the_page_about_data_names_every_setting() -> None:
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text(encoding="utf-8")
    settings = {*DataPolicy.model_fields, *PrivacyPolicy.model_fields} - {"privacy"}

    assert {one for one in settings if f"`{one}`" not in page and f".{one}`" not in page} == set()
