import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.training.step_order import StepOrder, cut_step

_DRAW = random.Random(7)
LENGTHS = [_DRAW.randrange(10, 200) for _ in range(103)]


def epoch(number: int, *, seed: int = 1, by_length: bool = False) -> list[tuple[int, ...]]:
    order = StepOrder(LENGTHS, 8, seed, by_length=by_length)
    first = number * order.steps_per_epoch
    return [order.rows_of(step) for step in range(first, first + order.steps_per_epoch)]


@pytest.mark.parametrize("by_length", [False, True])
def test_every_row_comes_once_an_epoch_and_only_the_last_step_is_smaller(by_length: bool) -> None:
    steps = epoch(0, by_length=by_length)

    assert sorted(row for step in steps for row in step) == list(range(103))
    assert [len(step) for step in steps] == [8] * 12 + [7]


def test_a_step_has_the_same_rows_whatever_was_asked_before() -> None:
    order = StepOrder(LENGTHS, 8, 1)
    in_order = [order.rows_of(step) for step in range(30)]

    assert [StepOrder(LENGTHS, 8, 1).rows_of(step) for step in range(30)] == in_order
    assert order.rows_of(3) == in_order[3]


def test_the_order_is_another_in_each_epoch_and_for_each_seed() -> None:
    assert epoch(0) != epoch(1)
    assert epoch(0) != epoch(0, seed=2)


def test_by_length_rows_of_like_length_share_a_step_and_lengths_do_not_rise() -> None:
    steps = epoch(0, by_length=True)
    longest = [max(LENGTHS[row] for row in step) for step in steps]

    padded = sum(longest[at] * len(step) for at, step in enumerate(steps))

    assert padded < 1.15 * sum(LENGTHS)
    assert longest != sorted(longest)


@given(st.lists(st.integers(1, 50), min_size=1), st.integers(1, 120), st.booleans())
def test_a_step_is_cut_into_parts_that_fit_and_lose_no_row(
    lengths: list[int], most: int, padded: bool
) -> None:
    parts = cut_step(lengths, most, padded=padded)

    assert sorted(place for part in parts for place in part) == list(range(len(lengths)))
    for part in parts:
        own = [lengths[place] for place in part]
        assert len(part) == 1 or (len(own) * max(own) if padded else sum(own)) <= most


def test_small_rows_fill_the_room_that_large_ones_leave() -> None:
    assert cut_step([3, 9, 1, 7], 10) == [[1, 2], [3, 0]]
    assert cut_step([3, 9, 1, 7], 10, padded=True) == [[1], [3], [0, 2]]
