"""The losses of preference methods are those of TRL's trainers."""

import random
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tools.training.encode import IGNORED, EncodedRow
from tools.training.methods.dpo import dpo
from tools.training.methods.kto import kto
from tools.training.methods.method import Example, Method, Moment, Part
from tools.training.methods.orpo import orpo
from tools.training.methods.simpo import simpo
from tools.training.padding_free import make_batch, padded_token_losses
from tools.training.sequence_losses import sequence_log_probabilities


def answer(prompt: int, number: int, length: int) -> EncodedRow:
    """Return a sequence: the tokens of the prompt, then an answer of `length` tokens."""
    asked = [random.Random(prompt).randrange(97) for _ in range(6)]
    said = [random.Random(100 + number).randrange(97) for _ in range(length)]
    return EncodedRow(number, asked + said, [IGNORED] * 6 + said)


TRL = "ignore:You are importing from 'trl.experimental'"
PAIRS = [
    Example((answer(1, 1, 5), answer(1, 2, 9)), reference=(-20.0, -41.5)),
    Example((answer(2, 3, 12), answer(2, 4, 4)), reference=(-55.0, -17.25)),
    Example((answer(3, 5, 3), answer(3, 6, 3)), reference=(-14.0, -13.0)),
]


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=97,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        initializer_range=0.3,
    )
    return LlamaForCausalLM(config).eval()


def part_of(model: Any, examples: list[Example]) -> Part:
    batch = make_batch([row for one in examples for row in one.sequences])
    with torch.no_grad():
        return Part(examples, batch, padded_token_losses(model, batch))


def log_probability(model: Any, row: EncodedRow) -> tuple[float, int]:
    """Return that of the row's answer, and its tokens, the slow and plain way."""
    with torch.no_grad():
        scores = model(torch.tensor([row.input_ids])).logits[0].log_softmax(-1)
    learned = [place for place, label in enumerate(row.labels) if label != IGNORED]
    return sum(float(scores[at - 1, row.labels[at]]) for at in learned), len(learned)


def logps(model: Any, place: int, *, mean: bool) -> torch.Tensor:
    found = [log_probability(model, one.sequences[place]) for one in PAIRS]
    return torch.tensor([total / (count if mean else 1) for total, count in found])


def known(place: int) -> torch.Tensor:
    return torch.tensor([one.reference[place] for one in PAIRS])


def test_dpo_takes_the_sigmoid_of_the_rise_over_the_reference(model: Any) -> None:
    loss, sums = dpo(0.3).loss(part_of(model, PAIRS))

    chosen = 0.3 * (logps(model, 0, mean=False) - known(0))
    rejected = 0.3 * (logps(model, 1, mean=False) - known(1))
    expected = -torch.nn.functional.logsigmoid(chosen - rejected).sum()
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)
    assert float(sums["rewards/margins"]) == pytest.approx(float((chosen - rejected).sum()), 1e-4)
    assert float(sums["rewards/accuracies"]) == float((chosen > rejected).sum())


@pytest.mark.slow
@pytest.mark.filterwarnings(TRL)
def test_orpo_is_the_loss_of_the_chosen_answer_less_trl_s_odds_ratio(model: Any) -> None:
    from trl.experimental.orpo import ORPOTrainer

    chosen, rejected = logps(model, 0, mean=True), logps(model, 1, mean=True)
    trainer: Any = SimpleNamespace(beta=0.3, accelerator=SimpleNamespace(device="cpu"))
    preferred = ORPOTrainer.odds_ratio_loss(trainer, chosen, rejected)[0]

    loss, _ = orpo(0.3).loss(part_of(model, PAIRS))

    assert float(loss) == pytest.approx(float((-chosen - preferred).sum()), rel=1e-5)


def test_an_answer_that_is_certain_has_finite_odds() -> None:
    batch = make_batch([one for pair in PAIRS for one in pair.sequences])
    sure = torch.zeros(len(batch.targets), requires_grad=True)

    loss, _ = orpo(0.3).loss(Part(PAIRS, batch, sure))
    loss.backward()  # type: ignore[no-untyped-call]

    assert torch.isfinite(loss)
    assert sure.grad is not None
    assert torch.isfinite(sure.grad).all()


@pytest.mark.slow
@pytest.mark.filterwarnings(TRL)
def test_simpo_is_trl_s(model: Any) -> None:
    from trl.experimental.cpo import CPOTrainer

    trainer: Any = SimpleNamespace(
        beta=2.0,
        simpo_gamma=0.5,
        alpha=0.0,
        label_smoothing=0.0,
        loss_type="simpo",
        accelerator=SimpleNamespace(device="cpu"),
    )
    chosen, rejected = logps(model, 0, mean=True), logps(model, 1, mean=True)
    expected = CPOTrainer.cpo_loss(trainer, chosen, rejected)[0]

    loss, _ = simpo(2.0, 0.5).loss(part_of(model, PAIRS))

    assert float(loss) == pytest.approx(float(expected.sum()), rel=1e-5)


def judged() -> list[Example]:
    """Return answers with those of the next row to the same question."""
    others = [answer(1, 3, 12), answer(2, 5, 3), answer(3, 1, 5)]
    return [
        Example((one.sequences[0], other), reference=(one.reference[0], -30.0), good=good)
        for one, other, good in zip(PAIRS, others, (True, False, True), strict=True)
    ]


def test_kto_measures_how_far_the_model_has_moved_on_the_other_answers(model: Any) -> None:
    examples = judged()
    found = [log_probability(model, one.sequences[1])[0] + 30.0 for one in examples]

    def ask(rows: Sequence[EncodedRow]) -> list[float]:
        return sequence_log_probabilities(model, rows, most_tokens=40, padded=True)

    prepared = kto(0.1).prepare(Moment(ask, 40, 0), examples)

    moved = max(0.0, sum(found) / 3)
    assert [one.baseline for one in prepared] == pytest.approx([moved] * 3, rel=1e-4)
    assert [len(one.sequences) for one in prepared] == [1, 1, 1]


def test_kto_judges_each_answer_alone(model: Any) -> None:
    moved = 4.0
    examples = [Example(one.sequences[:1], one.reference[:1], one.good, moved) for one in judged()]

    loss, _ = kto(0.1, good_weight=2.0, bad_weight=0.5).loss(part_of(model, examples))

    rises = logps(model, 0, mean=False) - known(0)
    good = 1 - torch.sigmoid(0.1 * (rises - moved))
    bad = 1 - torch.sigmoid(0.1 * (moved - rises))
    expected = 2.0 * good[0] + 0.5 * bad[1] + 2.0 * good[2]
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("method", [dpo(0.1), orpo(0.1), simpo(2.0, 0.5)])
def test_every_pair_counts_the_same_however_long(method: Method) -> None:
    assert [method.weight(one) for one in PAIRS] == [1.0, 1.0, 1.0]
