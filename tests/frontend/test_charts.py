from frontend.charts import _thin, title_of


def test_a_long_curve_is_thinned_and_keeps_its_last_point() -> None:
    points = _thin({step: float(step) for step in range(10_000)})

    assert len(points) <= 601
    assert points[0] == (0, 0.0)
    assert points[-1] == (9_999, 9_999.0)


def test_a_short_curve_stays_as_it_is_in_the_order_of_its_steps() -> None:
    assert _thin({10: 1.0, 5: 2.0}) == [(5, 2.0), (10, 1.0)]
    assert _thin({}) == []


def test_an_unknown_metric_has_a_readable_title() -> None:
    assert title_of("tuned_exact_match") == "Tuned exact match"
