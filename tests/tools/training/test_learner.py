import copy
import random
from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tools.errors import TrainingError
from tools.training import learner as learner_module
from tools.training.encode import IGNORED, EncodedRow
from tools.training.learner import Learner
from tools.training.methods.method import Example, Method
from tools.training.methods.sft import sft
from tools.training.padding_free import Batch, token_losses
from tools.training.prove_rows import use_row_attention


def row(number: int, length: int, *, weight: float | None = None) -> EncodedRow:
    draw = random.Random(number)
    ids = [draw.randrange(97) for _ in range(length)]
    labels = [IGNORED] * (length // 3) + ids[length // 3 :]
    weights = None if weight is None else [0.0 if one == IGNORED else weight for one in labels]
    return EncodedRow(number, ids, labels, weights)


EXAMPLES = [Example((row(n, length),)) for n, length in enumerate([9, 31, 17, 5, 24, 12, 7, 28])]


@pytest.fixture
def model() -> Any:
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=97,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
    )
    model = LlamaForCausalLM(config)
    assert use_row_attention(model, [row(1, 20), row(2, 9)]) is None
    return model


def learner(
    model: Any,
    *,
    most_tokens: int = 10_000,
    told: list[str] | None = None,
    method: Method | None = None,
) -> Learner:
    own = copy.deepcopy(model)
    return Learner(
        own,
        method or sft(),
        torch.optim.SGD(own.parameters()),
        most_tokens=most_tokens,
        max_grad_norm=1e6,
        padded=False,
        tell=(told if told is not None else []).append,
    )


def weights(one: Learner) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in one.model.parameters()])


@pytest.mark.parametrize("most_tokens", [1, 40, 80])
def test_a_step_is_the_same_in_one_part_and_in_many(model: Any, most_tokens: int) -> None:
    whole, parts = learner(model), learner(model, most_tokens=most_tokens)

    taken = [one.step(EXAMPLES, rate=0.5) for one in (whole, parts)]

    assert taken[1].loss == pytest.approx(taken[0].loss, rel=1e-5)
    assert taken[1].norm == pytest.approx(taken[0].norm, rel=1e-4)
    assert taken[0].tokens == taken[1].tokens == 133
    assert torch.allclose(weights(whole), weights(parts), atol=1e-6)
    assert not torch.allclose(weights(whole), weights(learner(model)), atol=1e-4)


def test_the_loss_is_the_mean_over_the_tokens_of_the_step(model: Any) -> None:
    found = learner(model).evaluate(EXAMPLES)

    losses = [learner(model).evaluate([one]).loss for one in EXAMPLES]
    counts = [sum(label != IGNORED for label in one.sequences[0].labels) for one in EXAMPLES]
    expected = sum(a * b for a, b in zip(losses, counts, strict=True)) / sum(counts)
    assert found.loss == pytest.approx(expected, rel=1e-5)


def test_a_row_of_weight_2_counts_as_if_it_stood_there_twice(model: Any) -> None:
    red, blue = row(1, 12), row(2, 21)
    twice = [Example((one,)) for one in (red, blue, blue)]

    weighed = learner(model).evaluate([Example((red,)), Example((row(2, 21, weight=2.0),))])

    assert weighed.loss == pytest.approx(learner(model).evaluate(twice).loss, rel=1e-5)


def test_an_example_that_moves_nothing_is_not_read_and_counts(model: Any) -> None:
    first, *others = EXAMPLES
    method = replace(sft(), learns_from=lambda one: one is first)
    weight = [sft().weight(one) for one in EXAMPLES]

    found = learner(model, method=method).step(EXAMPLES, rate=0.5)

    alone = learner(model).evaluate([first]).loss
    assert found.loss == pytest.approx(alone * weight[0] / sum(weight), rel=1e-5)
    nothing = replace(sft(), learns_from=lambda _: False)
    still = learner(model, method=nothing)
    taken = still.step(others, rate=0.5)
    assert (taken.loss, taken.norm) == (0.0, 0.0)
    assert torch.equal(weights(still), weights(learner(model)))


def test_what_is_shown_for_the_loss_needs_no_reading_of_held_out_rows(model: Any) -> None:
    examples = [replace(one, told={"reward": number}) for number, one in enumerate(EXAMPLES)]
    method = replace(sft(), shown_loss=lambda told: told[2].told["reward"] + len(told))

    seen = learner(model, method=method).evaluate(examples)
    taken = learner(model, method=method).step(examples, rate=0.5)

    assert (seen.loss, seen.measured, seen.tokens) == (10.0, {"reward": 3.5}, 133)
    assert (taken.loss, taken.measured) == (10.0, {"reward": 3.5})
    assert taken.norm > 0


@pytest.mark.parametrize("padded", [False, True])
def test_the_scores_are_divided_by_the_method_s_temperature(model: Any, padded: bool) -> None:
    plain = copy.deepcopy(model)
    plain.set_attn_implementation("sdpa")
    warm = Learner(
        plain if padded else model,
        replace(sft(), temperature=2.0),
        torch.optim.SGD(model.parameters()),
        most_tokens=100,
        max_grad_norm=1.0,
        padded=padded,
        tell=print,
    )

    found = warm.evaluate(EXAMPLES[1:2]).loss

    (sequence,) = EXAMPLES[1].sequences
    with torch.no_grad():
        scores = plain(torch.tensor([sequence.input_ids])).logits[0, :-1] / 2.0
    expected = torch.nn.functional.cross_entropy(scores, torch.tensor(sequence.labels[1:]))
    assert found == pytest.approx(float(expected), rel=1e-5)


def test_a_gradient_that_is_no_number_changes_no_weight(model: Any) -> None:
    one = learner(model)
    with torch.no_grad():
        next(one.model.parameters())[EXAMPLES[0].sequences[0].input_ids[0]] = float("nan")
    before = weights(one)

    taken = one.step(EXAMPLES, rate=0.5)

    assert taken.loss != taken.loss
    assert torch.equal(weights(one).nan_to_num(), before.nan_to_num())


class SmallMemory:
    """Holds so many tokens at once, and no more."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens

    def __call__(self, model: Any, batch: Batch, temperature: float) -> torch.Tensor:
        if batch.input_ids.shape[1] > self.tokens:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return token_losses(model, batch, temperature)


def test_where_the_memory_ends_the_step_is_taken_again_in_smaller_parts(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = learner(model)
    expected.step(EXAMPLES, rate=0.5)
    monkeypatch.setattr(learner_module, "token_losses", SmallMemory(50))
    told: list[str] = []
    one = learner(model, told=told)

    one.step(EXAMPLES, rate=0.5)

    assert torch.allclose(weights(one), weights(expected), atol=1e-6)
    assert one.most_tokens <= 50
    assert told[0].startswith("The memory is too small for 133 tokens at once.")


def test_a_row_that_does_not_fit_alone_ends_the_run(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learner_module, "token_losses", SmallMemory(30))

    with pytest.raises(TrainingError, match="too small for one row"):
        learner(model).step(EXAMPLES, rate=0.5)
