from math import inf, nan

import pytest

from tools.training.watchdogs import watch_learning, watch_step

QUIET = [1.0] * 30


@pytest.mark.parametrize(
    ("losses", "norms"),
    [
        (QUIET, QUIET),
        ([*QUIET, 9.0, 9.0], [1.0] * 32),
        ([*QUIET, 9.0, 9.0, 1.9], [1.0] * 33),
        ([0.01] * 30 + [0.05] * 3, [1.0] * 33),
        ([5.0, 4.0, 9.0, 9.0, 9.0], [1.0] * 5),
        (QUIET, [500.0, 500.0, 99.0]),
    ],
    ids=["quiet", "two high", "low again", "small", "just begun", "norm fell"],
)
def test_what_a_healthy_run_does_now_and_then_raises_no_alarm(
    losses: list[float], norms: list[float]
) -> None:
    assert watch_step(losses, norms) is None


@pytest.mark.parametrize(
    ("losses", "norms", "rule"),
    [
        ([*QUIET, nan], [1.0] * 31, "not_a_number"),
        ([*QUIET, inf], [1.0] * 31, "not_a_number"),
        (QUIET, [*QUIET[:-1], nan], "not_a_number"),
        ([*QUIET, 2.1, 3.0, 2.5], [1.0] * 33, "loss_spike"),
        (QUIET, [*QUIET[:-3], 101.0, 300.0, 120.0], "gradient_norm"),
    ],
)
def test_what_ruins_a_run_is_named_with_its_step(
    losses: list[float], norms: list[float], rule: str
) -> None:
    alarm = watch_step(losses, norms)

    assert alarm is not None
    assert (alarm.rule, alarm.step) == (rule, len(losses))


def test_a_spike_says_what_the_loss_was_and_is() -> None:
    alarm = watch_step([*QUIET, 4.0, 4.0, 4.0], [1.0] * 33)

    assert alarm is not None
    assert alarm.reason == "The loss was about 1.000, and rose to 4.000 and stayed there."


def test_a_run_whose_losses_stand_still_until_its_half_has_learned_nothing() -> None:
    alarm = watch_learning([2.0] * 60, [2.1, 2.1, 2.095], steps=120)

    assert alarm is not None
    assert alarm.rule == "no_learning"


@pytest.mark.parametrize(
    ("losses", "held_out", "steps"),
    [
        ([2.0] * 59, [2.1, 2.1], 120),
        ([2.0] * 30, [2.1, 2.1], 60),
        ([2.0] * 60, [2.1, 2.0], 120),
        ([2.0] * 30 + [1.5] * 30, [2.1, 2.1], 120),
        ([2.0] * 60, [2.1], 120),
    ],
    ids=["before half", "too short", "held out fell", "loss fell", "one look"],
)
def test_a_run_that_learns_or_has_only_begun_goes_on(
    losses: list[float], held_out: list[float], steps: int
) -> None:
    assert watch_learning(losses, held_out, steps=steps) is None


def test_a_loss_below_zero_that_falls_is_learning() -> None:
    assert watch_learning([-0.5] * 30 + [-0.8] * 30, [0.1, 0.1], steps=100) is None
