"""Of values that overlap, one stays."""

import pytest

from tools.data.privacy.span import PrivateSpan, without_overlaps


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        (PrivateSpan("phone", 0, 9), PrivateSpan("card", 5, 24), "card"),
        (PrivateSpan("card", 0, 19), PrivateSpan("phone", 15, 24), "card"),
        (PrivateSpan("email", 6, 60), PrivateSpan("url_credentials", 0, 9), "url_credentials"),
        (PrivateSpan("name", 0, 40), PrivateSpan("email", 30, 38), "email"),
    ],
)
def test_the_more_specific_stays_and_else_the_longer(
    first: PrivateSpan, second: PrivateSpan, stays: str
) -> None:
    kept = tuple(span for span in (first, second) if span.kind == stays)

    assert without_overlaps([first, second]) == kept
    assert without_overlaps([second, first]) == kept


def test_one_long_value_takes_the_place_of_several_short_ones() -> None:
    short = [PrivateSpan("phone", 0, 9), PrivateSpan("ip", 10, 17)]
    long = PrivateSpan("secret", 5, 40)

    assert without_overlaps([*short, long]) == (long,)


def test_values_side_by_side_all_stay_in_order() -> None:
    first, second = PrivateSpan("ip", 0, 7), PrivateSpan("email", 7, 20)

    assert without_overlaps([second, first]) == (first, second)
