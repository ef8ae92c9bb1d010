"""What a run does when something goes wrong on its way."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.listener import Listener
from tests.tools.training.test_trajectories import example
from tools.errors import TrainingError
from tools.progress import Cancelled
from tools.training.checkpoints import Checkpoints
from tools.training.keep_state import Checkpointer
from tools.training.learner import Learner
from tools.training.load_model import LoadedModel
from tools.training.make_learner import make_learner
from tools.training.methods.method import Method, Part, Sums
from tools.training.methods.sft import sft
from tools.training.recipe import Recipe
from tools.training.run_state import RunState
from tools.training.schedule import Schedule
from tools.training.step_order import StepOrder
from tools.training.train_steps import Plan, train_steps

EXAMPLES = [example(number, "sft") for number in range(24)]
Spoil = Callable[[int], float]  # what the loss of the step, counted by the calls, is multiplied by


def spoiled(by: Spoil) -> Method:
    """Return supervised fine-tuning whose losses are multiplied in training."""
    method, calls = sft(), [0]

    def loss(part: Part) -> tuple[torch.Tensor, Sums]:
        total, sums = method.loss(part)
        if not torch.is_grad_enabled():
            return total, sums
        calls[0] += 1
        return total * by(calls[0]), sums

    return replace(method, loss=loss)


class World:
    """A run over twenty-four rows, four a step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listener = Listener()
        self.learner: Learner

    def run(
        self, by: Spoil = lambda _: 1.0, *, steps: int = 48, patience: int = 0, rate: float = 1e-2
    ) -> RunState:
        torch.manual_seed(5)
        config = LlamaConfig(
            vocab_size=61,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
        )
        loaded = LoadedModel(LlamaForCausalLM(config).eval(), PreTrainedTokenizerFast)
        recipe = Recipe(model_name_or_path="made", r=8, per_device_train_batch_size=4)
        sequences = EXAMPLES[0].sequences
        self.learner = make_learner(loaded, recipe, spoiled(by), sequences, self.listener.log)
        plan = Plan(
            examples=EXAMPLES[:20],
            held_out=EXAMPLES[20:],
            order=StepOrder([one.tokens for one in EXAMPLES[:20]], 4, 1),
            schedule=Schedule(rate, "constant", steps, 0),
            look_every=6,
            log_every=1,
            patience=patience,
        )
        keeper = Checkpointer(Checkpoints(self.folder, "f"), self.learner, self.listener.log)
        return train_steps(plan, self.learner, keeper, progress=self.listener, sample=lambda: None)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "checkpoints")


def test_a_quiet_run_takes_all_its_steps_and_raises_no_alarm(world: World) -> None:
    state = world.run()

    assert (state.step, state.alarms, state.rate_factor) == (48, [], 1.0)
    assert [point.step for point in state.points if point.eval_loss is not None] == [
        0, 6, 12, 18, 24, 30, 36, 42, 48,
    ]  # fmt: skip
    assert set(world.listener.values("loss")) == set(range(1, 49))


@pytest.mark.parametrize(
    ("by", "rule"),
    [
        (lambda call: float("nan") if call == 27 else 1.0, "not_a_number"),
        (lambda call: 9.0 if call in {30, 31, 32} else 1.0, "loss_spike"),
        (lambda call: 1e5 if call in {8, 9, 10} else 1.0, "gradient_norm"),
    ],
    ids=["nan", "spike", "norm"],
)
def test_what_passes_is_survived_by_going_back_at_half_the_rate(
    world: World, by: Spoil, rule: str
) -> None:
    state = world.run(by)

    assert state.step == 48
    assert [(one.rule, one.action) for one in state.alarms] == [(rule, "go_back")]
    assert state.rate_factor == 0.5
    assert world.listener.values("learning_rate")[48] == 0.5e-2
    assert any("goes back to step" in one for one in world.listener.logs)
    assert state.best_loss is not None
    assert state.best_loss < 0.99 * world.listener.values("eval_loss")[0]


def test_what_does_not_pass_stops_the_run_with_its_reason(world: World) -> None:
    with pytest.raises(TrainingError, match=r"The loss is nan\. It had gone back .* at step 7\."):
        world.run(lambda call: float("nan") if call >= 8 else 1.0)


def test_a_run_that_went_back_does_not_do_so_again_after_it_was_killed(world: World) -> None:
    def spoil(call: int) -> float:
        if call == 8:
            return float("nan")
        if call > 8:
            raise KeyboardInterrupt
        return 1.0

    with pytest.raises(KeyboardInterrupt):
        world.run(spoil)

    with pytest.raises(TrainingError, match="It had gone back"):
        world.run(lambda call: float("nan") if call == 1 else 1.0)


def test_a_run_that_learns_nothing_stops_at_its_half(world: World) -> None:
    with pytest.raises(TrainingError, match="neither has fallen by 1 %"):
        world.run(lambda _: 1e-12, steps=120)


def test_a_held_out_loss_that_no_longer_falls_ends_the_run_early(world: World) -> None:
    state = world.run(patience=2, rate=0.5, steps=600)

    assert state.step < 600
    assert state.looks_since_best == 2
    assert state.best_step is not None


def test_the_weights_that_come_out_are_the_best_ones(world: World) -> None:
    state = world.run(rate=0.2, steps=90)
    found = world.learner.evaluate(EXAMPLES[20:])

    assert found.loss == pytest.approx(state.best_loss, abs=1e-5)
    assert state.best_loss == min(world.listener.values("eval_loss").values())


def test_a_run_that_is_stopped_and_called_again_is_the_same_run(tmp_path: Path) -> None:
    whole, parts = World(tmp_path / "whole"), World(tmp_path / "parts")
    expected = whole.run()
    parts.listener = Listener(stop_after=13)
    with pytest.raises(Cancelled):
        parts.run()
    parts.listener = Listener()

    found = parts.run()

    assert found.resumed_from_step == 14
    assert found.losses == expected.losses
    assert weights(parts.learner.model) == weights(whole.learner.model)


def weights(model: Any) -> list[list[float]]:
    return [one.detach().flatten().tolist() for one in model.parameters() if one.requires_grad]
