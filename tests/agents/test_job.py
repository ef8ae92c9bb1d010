import pytest
from pydantic import ValidationError

from agents.job import FineTuneJob


@pytest.mark.parametrize("goal", ["", " ", "\t\r\n", "\u00a0\u2003"])
def test_a_goal_that_says_nothing_is_refused_with_a_remedy(goal: str) -> None:
    with pytest.raises(ValidationError) as refused:
        FineTuneJob(model="tiny", dataset="colours.jsonl", goal=goal)

    [problem] = refused.value.errors()
    assert problem["loc"] == ("goal",)
    assert problem["msg"].startswith("It is empty. Say what the tuned model is for, e.g. ")


def test_a_goal_is_kept_as_it_was_written() -> None:
    job = FineTuneJob(model="tiny", dataset="colours.jsonl", goal="  Say {the} colour.\n")

    assert job.goal == "  Say {the} colour.\n"
