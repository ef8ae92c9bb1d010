import pytest
import torch
from transformers import get_scheduler

from tools.training.schedule import Schedule, Shape


@pytest.mark.parametrize("shape", ["cosine", "linear", "constant_with_warmup", "constant"])
def test_after_the_warmup_the_rate_is_that_of_transformers(shape: Shape) -> None:
    schedule = Schedule(2e-4, shape, steps=50, warmup_share=0.1)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2e-4)
    theirs = get_scheduler(shape, optimizer, num_warmup_steps=5, num_training_steps=50)

    rates = []
    for _ in range(50):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()

    assert [schedule.rate_at(step) for step in range(5, 50)] == pytest.approx(rates[5:])


def test_the_rate_rises_from_the_first_step_on() -> None:
    schedule = Schedule(1.0, "cosine", steps=100, warmup_share=0.04)

    assert [schedule.rate_at(step) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_a_run_without_warmup_begins_at_the_full_rate() -> None:
    assert Schedule(3e-4, "linear", steps=10, warmup_share=0).rate_at(0) == 3e-4
