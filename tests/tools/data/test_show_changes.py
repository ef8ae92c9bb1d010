"""Before anything is written, rows are shown as a policy would leave them."""

import pytest

from tests.tools.data.privacy.values import EMAIL, GITHUB_TOKEN
from tests.tools.data.rows import chat, chats
from tools.data.data_policy import DataPolicy
from tools.data.privacy.kinds import PrivacyPolicy
from tools.data.show_changes import Change, changes


def test_a_row_is_shown_before_and_after() -> None:
    rows = [*chats(3), chat(f"Write to {EMAIL} \n", "In the cafÃ©.", row=4)]

    assert list(changes(rows, DataPolicy())) == [
        Change(
            row=4,
            before=(f"Write to {EMAIL} \n", "In the cafÃ©."),
            after=("Write to [EMAIL]", "In the café."),
        )
    ]


def test_a_row_that_would_be_left_out_has_no_after() -> None:
    policy = DataPolicy(privacy=PrivacyPolicy(email="drop_row"))
    rows = [chat(f"Write to {EMAIL}"), chat(f"Use {GITHUB_TOKEN}", row=2)]

    assert list(changes(rows, policy)) == [
        Change(row=1, before=(f"Write to {EMAIL}", "Yes."), after=None),
        Change(row=2, before=(f"Use {GITHUB_TOKEN}", "Yes."), after=("Use [SECRET]", "Yes.")),
    ]


def test_one_value_has_one_stand_in_in_all_the_rows() -> None:
    policy = DataPolicy(privacy=PrivacyPolicy(email="pseudonymise"))
    rows = [chat(f"Write to {EMAIL}", row=row) for row in (1, 2)]

    first, second = changes(rows, policy)

    assert first.after == second.after
    assert EMAIL not in str(first.after)


@pytest.mark.parametrize(("shown", "rows"), [(1, [1]), (3, [1, 2, 3]), (9, [1, 2, 3, 4, 5, 6])])
def test_no_more_rows_are_shown_than_were_asked_for(shown: int, rows: list[int]) -> None:
    dirty = [chat("Where? ", row=row) for row in range(1, 7)]

    assert [one.row for one in changes(dirty, DataPolicy(), shown=shown)] == rows


def test_nothing_is_shown_of_rows_that_stay_as_they_are() -> None:
    assert list(changes(chats(5), DataPolicy())) == []
