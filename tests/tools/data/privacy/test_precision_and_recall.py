"""Of a seeded set of sentences, nearly all private values are found, and hardly anything else."""

import pytest

from benchmarks.privacy import Figures, make_sentences, measure


@pytest.fixture(scope="module")
def figures() -> list[Figures]:
    return measure(make_sentences(150, seed=7))


@pytest.mark.parametrize("bound", ["precision", "recall"])
def test_no_kind_falls_below_95_percent(figures: list[Figures], bound: str) -> None:
    assert len(figures) == 8
    assert {one.kind: getattr(one, bound) for one in figures if getattr(one, bound) < 0.95} == {}


def test_the_same_seed_makes_the_same_sentences() -> None:
    assert make_sentences(3, seed=7) == make_sentences(3, seed=7)
    assert make_sentences(3, seed=7) != make_sentences(3, seed=8)
