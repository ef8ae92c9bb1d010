"""The training loop: step, look up, keep a checkpoint, and do what the watchdogs say.

A look is taken before the first step, eight times on the way and after the last step: the held-out
loss is measured, sample answers are told, and a checkpoint is written. The weights that come out
are those with the lowest held-out loss.

Not covered: what a step is (`learner`), which rows it has (`step_order`), and the files of a
checkpoint (`keep_state`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.errors import TrainingError
from tools.progress import Cancelled, Progress
from tools.training.learner import Learner
from tools.training.loss_point import LossPoint
from tools.training.methods.method import Example
from tools.training.run_state import AlarmRaised, RunState
from tools.training.schedule import Schedule
from tools.training.step_order import StepOrder
from tools.training.watchdogs import Alarm, watch_learning, watch_step


@dataclass(frozen=True)
class Plan:
    """What a run is to do."""

    examples: Sequence[Example]
    held_out: Sequence[Example]
    order: StepOrder
    schedule: Schedule
    look_every: int
    log_every: int
    patience: int  # looks without a lower held-out loss, after which the run ends; 0: never


class Keeper(Protocol):
    """Keeps the state of a run."""

    def save(self, state: RunState) -> None:
        """Write a checkpoint."""

    def load_newest(self) -> RunState | None:
        """Load the newest checkpoint, if there is one, and return its state."""

    def load_best(self, state: RunState) -> None:
        """Load the weights with the lowest held-out loss."""


def train_steps(
    plan: Plan,
    learner: Learner,
    keeper: Keeper,
    *,
    progress: Progress,
    sample: Callable[[], None],
) -> RunState:
    """Take the steps of `plan` that have not been taken, and return where the run ended.

    Args:
        plan: What the run is to do.
        learner: Takes the steps. Its model ends with the weights of the lowest held-out loss.
        keeper: Has the checkpoints.
        progress: Is told the losses and the time left, and may ask to stop.
        sample: Tells some answers of the model as it is.

    Raises:
        TrainingError: A watchdog stopped the run, or the memory is too small.
        Cancelled: It was asked to stop; a checkpoint has been written.
    """
    state = keeper.load_newest()
    run = _Run(plan, learner, keeper, progress, sample, state or RunState())
    if state is None:
        run.look()
    else:
        state.resumed_from_step = state.step
        progress.log(f"Going on from step {state.step}.")
    while run.goes_on:
        run.step()
    if run.state.best_step not in (None, run.state.step):
        progress.log(f"The weights of step {run.state.best_step} had the lowest held-out loss.")
        keeper.load_best(run.state)
    return run.state


class _Run:
    """A run under way."""

    def __init__(
        self,
        plan: Plan,
        learner: Learner,
        keeper: Keeper,
        progress: Progress,
        sample: Callable[[], None],
        state: RunState,
    ) -> None:
        self.state = state
        self._plan, self._learner, self._keeper = plan, learner, keeper
        self._progress, self._sample = progress, sample
        self._clock = _Clock()

    @property
    def goes_on(self) -> bool:
        """Whether there are steps to take, and they have not stopped helping."""
        patience = self._plan.patience
        if patience and self.state.looks_since_best >= patience:
            self._progress.log(
                f"The held-out loss has not fallen in {patience} looks, so the run ends at step "
                f"{self.state.step} of {self._plan.schedule.steps}."
            )
            return False
        return self.state.step < self._plan.schedule.steps

    def step(self) -> None:
        """Take one step, and whatever is due after it."""
        state, plan = self.state, self._plan
        began = time.monotonic()
        rate = plan.schedule.rate_at(state.step) * state.rate_factor
        rows = plan.order.rows_of(state.step)
        taken = self._learner.step([plan.examples[row] for row in rows], rate, state.step)
        self._clock.add(time.monotonic() - began, taken.tokens)
        state.step += 1
        state.tokens += taken.tokens
        state.losses.append(taken.loss)
        state.norms.append(taken.norm)
        alarm = watch_step(state.losses, state.norms)
        if alarm is not None:
            self._heed(alarm)
            return
        if state.step % plan.log_every == 0 or state.step == plan.schedule.steps:
            self._tell(rate, taken.measured)
        due = state.step % plan.look_every == 0 or state.step == plan.schedule.steps
        if due:
            self.look()
        self._stop_if_asked(saved=due)

    def look(self) -> None:
        """Measure the held-out loss, tell samples, and keep a checkpoint."""
        state = self.state
        found = self._learner.evaluate(self._plan.held_out)
        if not math.isfinite(found.loss):
            self._heed(_no_number(found.loss, state.step))
            return
        state.points.append(LossPoint(step=state.step, eval_loss=found.loss))
        self._progress.metric("eval_loss", found.loss, state.step)
        for name, value in found.measured.items():
            self._progress.metric(f"eval_{name}", value, state.step)
        if state.best_loss is None or found.loss < state.best_loss:
            state.best_loss, state.best_step, state.looks_since_best = found.loss, state.step, 0
        else:
            state.looks_since_best += 1
        self._sample()
        held_out = [point.eval_loss for point in state.points if point.eval_loss is not None]
        alarm = watch_learning(state.losses, held_out, steps=self._plan.schedule.steps)
        if alarm is not None:
            self._heed(alarm)
        state.most_tokens = self._learner.most_tokens
        self._keeper.save(state)

    def _tell(self, rate: float, measured: dict[str, float]) -> None:
        state = self.state
        since = state.losses[-self._plan.log_every :]
        loss = sum(since) / len(since)
        state.points.append(LossPoint(step=state.step, loss=loss))
        told = {
            "loss": loss,
            "learning_rate": rate,
            "grad_norm": state.norms[-1],
            "tokens_per_second": self._clock.tokens_per_second(),
            **measured,
        }
        for name, value in told.items():
            self._progress.metric(name, value, state.step)
        left = (self._plan.schedule.steps - state.step) * self._clock.seconds_per_step
        self._progress.percent(100 * state.step / self._plan.schedule.steps, left)

    def _stop_if_asked(self, *, saved: bool) -> None:
        try:
            self._progress.check()
        except Cancelled:
            if not saved:
                self.state.most_tokens = self._learner.most_tokens
                self._keeper.save(self.state)
            raise

    def _heed(self, alarm: Alarm) -> None:
        """Go back to the last checkpoint with a lower rate, once; else stop.

        Raises:
            TrainingError: The run stops.
        """
        before = self.state.alarms
        again = any(one.action == "go_back" for one in before)
        kept = None if again or alarm.rule == "no_learning" else self._keeper.load_newest()
        if kept is None:
            raise TrainingError(_stopped(alarm, again=again))
        self.state = kept
        kept.rate_factor /= 2
        raised = AlarmRaised(
            rule=alarm.rule, step=alarm.step, reason=alarm.reason, action="go_back"
        )
        kept.alarms = [*before, raised]
        self._keeper.save(kept)  # or a run that is killed now would forget that it went back
        self._progress.log(
            f"{alarm.reason} The run goes back to step {kept.step} and on at half the rate."
        )


def _no_number(loss: float, step: int) -> Alarm:
    if step == 0:
        raise TrainingError(
            f"The held-out loss is {loss} before the first step: the base model's weights are "
            "damaged. Fetch the model again."
        )
    return Alarm("not_a_number", step, f"The held-out loss is {loss}.")


def _stopped(alarm: Alarm, *, again: bool) -> str:
    twice = "It had gone back to a checkpoint before. " if again else ""
    return (
        f"{alarm.reason} {twice}The run has stopped at step {alarm.step}. Lower the learning rate "
        "(a tenth is a good first try), or look at the rows for broken text."
    )


class _Clock:
    """Measures the steps alone, without what is done between them."""

    def __init__(self) -> None:
        self._steps = self._tokens = 0
        self._seconds = self._all_seconds = 0.0

    def add(self, seconds: float, tokens: int) -> None:
        """Take note of a step."""
        self._steps += 1
        self._tokens += tokens
        self._seconds += seconds
        self._all_seconds += seconds

    @property
    def seconds_per_step(self) -> float:
        """The mean of all steps."""
        return self._all_seconds / max(1, self._steps)

    def tokens_per_second(self) -> float:
        """Return the tokens a second since it was last asked."""
        speed = self._tokens / max(self._seconds, 1e-9)
        self._tokens, self._seconds = 0, 0.0
        return speed
