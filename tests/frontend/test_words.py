from datetime import timedelta

import pytest

from crewtune.counted import counted
from frontend.words import ago, count, duration, figure, plain, size, told_in_brief
from tests.frontend.answers import NOW


@pytest.mark.parametrize(
    ("number", "said"),
    [(None, "-"), (0, "0"), (999, "999"), (12_345, "12.3 k"), (1.1e6, "1.1 M"), (7e9, "7.0 B")],
)
def test_a_count_is_short(number: float | None, said: str) -> None:
    assert count(number) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1000, "1,000 rows")]
)
def test_one_thing_is_counted_in_the_singular(number: int, said: str) -> None:
    assert counted(number, "row") == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(None, "-"), (12, "12 B"), (4_400_000, "4.2 MiB"), (2**40, "1.0 TiB")],
)
def test_a_size_has_the_unit_that_fits(number: int | None, said: str) -> None:
    assert size(number) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "-"), (0.2, "under 1 s"), (59.4, "59 s"), (95, "1 min 35 s"), (7260, "2 h 1 min")],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("back", "said"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_a_moment_is_told_roughly(back: timedelta, said: str) -> None:
    assert ago(NOW - back, NOW) == said


def test_marks_of_markdown_are_escaped() -> None:
    assert plain("**a** [b](c) <i> :red[x] $y$ `z`") == (
        r"\*\*a\*\* \[b\](c) \<i\> \:red\[x\] \$y\$ \`z\`"
    )


def test_values_in_a_table_show_four_digits() -> None:
    assert [figure(one) for one in (True, 1050, 0.123456, "cosine", None)] == [
        "yes",
        "1,050",
        "0.1235",
        "cosine",
        "-",
    ]


def test_a_report_is_told_by_its_single_values() -> None:
    assert told_in_brief({"rows": 10, "names": ["a"], "kept": 0.5}) == "rows 10, kept 0.5"
