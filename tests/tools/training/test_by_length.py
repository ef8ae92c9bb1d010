import random

import pytest

from tools.training.by_length import ByLength

_DRAW = random.Random(7)
LENGTHS = [_DRAW.randrange(10, 200) for _ in range(103)]


def order(epoch: float, seed: int = 1) -> list[int]:
    return list(ByLength(LENGTHS, 8, seed, lambda: epoch))


def test_every_row_comes_once() -> None:
    assert sorted(order(0)) == list(range(103))


def test_rows_of_like_length_share_a_batch() -> None:
    batches = [order(0)[first : first + 8] for first in range(0, 103, 8)]

    padded = sum(max(LENGTHS[row] for row in batch) * len(batch) for batch in batches)

    assert padded < 1.15 * sum(LENGTHS)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    assert order(3) == order(3.0) == order(3.75)
    assert order(3) != order(4)
    assert order(3) != order(3, seed=2)


@pytest.mark.parametrize("epoch", range(5))
def test_batches_are_shuffled_so_that_lengths_do_not_rise_through_an_epoch(epoch: int) -> None:
    lengths = [LENGTHS[row] for row in order(epoch)]

    assert lengths != sorted(lengths)
