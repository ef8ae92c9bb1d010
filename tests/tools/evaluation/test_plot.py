import pytest

from tools.evaluation.compare import Comparison
from tools.evaluation.plot import IntervalPicture, Tick, plot_interval, plot_losses
from tools.training.loss_point import LossPoint


def points(*losses: float, eval_loss: float | None = None) -> list[LossPoint]:
    return [
        LossPoint(step=step, loss=loss, eval_loss=eval_loss) for step, loss in enumerate(losses, 1)
    ]


def test_a_loss_stands_where_its_step_and_value_are() -> None:
    curve = plot_losses(
        [LossPoint(step=0, loss=4, eval_loss=None), LossPoint(step=10, loss=0, eval_loss=2)]
    )

    assert curve is not None
    assert curve.train == ((curve.left, curve.top), (curve.right, curve.bottom))
    assert curve.validation == ((curve.right, (curve.top + curve.bottom) / 2),)
    assert [tick.label for tick in curve.x_ticks] == ["0", "2", "4", "6", "8", "10"]
    assert [tick.label for tick in curve.y_ticks] == ["0", "1", "2", "3", "4"]
    assert curve.y_ticks[0] == Tick(curve.bottom, "0")


@pytest.mark.parametrize(
    "losses",
    [
        [1.5],
        [0.0],
        [2.0, 2.0],
        [1e-9, 2e-9],
        [1e6, 3.0],
        [-1.0, 1.0],
        [5.0 - 0.001 * i for i in range(2000)],
    ],
    ids=["one", "zero", "equal", "tiny", "huge", "negative", "many"],
)
def test_every_curve_fits_its_frame(losses: list[float]) -> None:
    curve = plot_losses(points(*losses))

    assert curve is not None
    assert 1 <= len(curve.train) <= 400
    assert 2 <= len(curve.y_ticks) <= 8
    assert all(curve.left <= x <= curve.right for x, _ in curve.train)
    assert all(curve.top <= y <= curve.bottom for _, y in curve.train)
    assert curve.train[-1][0] == curve.right
    assert curve.validation == ()


def test_no_losses_have_no_curve() -> None:
    assert plot_losses([]) is None


@pytest.mark.parametrize(
    ("low", "middle", "high", "higher_is_better", "picture"),
    [
        (0.5, 0.75, 1.0, True, IntervalPicture(71.74, 82.61, 93.48)),
        (0.5, 0.75, 1.0, False, IntervalPicture(6.52, 17.39, 28.26)),
        (-1.0, 0.0, 1.0, True, IntervalPicture(6.52, 50.0, 93.48)),
        (0.0, 0.0, 0.0, True, IntervalPicture(50.0, 50.0, 50.0)),
    ],
)
def test_what_is_better_lies_to_the_right(
    low: float, middle: float, high: float, higher_is_better: bool, picture: IntervalPicture
) -> None:
    comparison = Comparison(
        metric="m",
        higher_is_better=higher_is_better,
        rows=20,
        prompts=20,
        baseline=0,
        candidate=middle,
        difference=middle,
        low=low,
        high=high,
    )

    assert plot_interval(comparison) == picture
