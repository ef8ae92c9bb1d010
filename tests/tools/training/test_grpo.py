"""Answers that the rewards prefer become likelier."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.colours import chat, colour_chats
from tests.listener import Listener
from tools.data.conversation import Conversation, write_version
from tools.errors import DatasetError, TrainingError
from tools.hub.resolve_model import ModelSource
from tools.progress import Cancelled
from tools.training.encode import IGNORED, EncodedRow
from tools.training.encode_prompts import encode_prompts, fit_prompts
from tools.training.load_model import LoadedModel
from tools.training.methods.grpo import advantages_of, grpo
from tools.training.methods.method import Example, Moment, Part
from tools.training.padding_free import make_batch
from tools.training.recipe import Recipe
from tools.training.render import prompt_text
from tools.training.train import train
from tools.training.write_answers import Answer
from tools.workspace import Workspace

LETTERS = {"name": "format", "pattern": "(?s)[a-m].*"}
SHORT = {"name": "length", "most": 2, "weight": 3}
END = 99


def recipe(name: str = "made", **values: Any) -> Recipe:
    settings = {
        "model_name_or_path": name,
        "method": "grpo",
        "r": 4,
        "lora_alpha": 8,
        "learning_rate": 2e-2,
        "lr_scheduler_type": "constant_with_warmup",
        "num_train_epochs": 4,
        "per_device_train_batch_size": 8,
        "max_length": 64,
        "max_completion_length": 4,
        "rewards": [LETTERS],
        **values,
    }
    return Recipe.model_validate(settings)


class Scripted:
    """Writes what stands in its script, and keeps what it was asked for."""

    def __init__(self, *script: str) -> None:
        self._script = script
        self.drawn_by: list[Sequence[str] | None] = []

    def write(
        self, prompts: Sequence[list[int]], drawn_by: Sequence[str] | None, *, at_once: int
    ) -> list[Answer]:
        self.drawn_by.append(drawn_by)
        texts = [self._script[place % len(self._script)] for place in range(len(prompts))]
        return [Answer([*(ord(one) - 32 for one in text), END], text, ended=True) for text in texts]


def question(row: int, length: int = 3, rewards: int = 1) -> Example:
    sequence = EncodedRow(row, [row] * length, [IGNORED] * length)
    return Example((sequence,), expected=((),) * rewards)


def moment(step: int | None) -> Moment:
    return Moment(lambda _: [], 1_000, step)


def test_advantages_are_standard_deviations_above_the_mean_of_the_group() -> None:
    found = advantages_of([0.0, 0.5, 1.0, 0.5])

    deviation = (0.5 / 3) ** 0.5
    assert found == pytest.approx([-0.5 / (deviation + 1e-4), 0.0, 0.5 / (deviation + 1e-4), 0.0])
    assert advantages_of([0.1 + 0.2, 0.3, 0.3]) == [0.0, 0.0, 0.0]


def test_every_question_is_answered_several_times_and_the_answers_are_compared() -> None:
    told = recipe(rewards=[LETTERS, SHORT], num_generations=2)
    writer = Scripted("abc", "zyxw", "ab", "cd")

    ready = grpo(told, writer).prepare(moment(7), [question(4, 3, 2), question(5, 2, 2)])

    assert writer.drawn_by == [["42/7/4/0", "42/7/4/1", "42/7/5/0", "42/7/5/1"]]
    assert [one.sequences[0] for one in ready[:3:2]] == [
        EncodedRow(4, [4, 4, 4, 65, 66, 67, END], [IGNORED] * 3 + [65, 66, 67, END]),
        EncodedRow(5, [5, 5, 65, 66, END], [IGNORED] * 2 + [65, 66, END]),
    ]
    first, second = (1 + 3 * 2 / 3) / 4, 3 * 0.5 / 4
    assert [one.told["reward"] for one in ready] == pytest.approx([first, second, 1.0, 1.0])
    assert ready[0].told == pytest.approx(
        {
            "reward": first,
            "rewards/format/mean": 1.0,
            "rewards/length/mean": 2 / 3,
            "completions/mean_length": 3.0,
            "completions/clipped_ratio": 0.0,
            "reward_std": (first - second) / 2**0.5,
            "rewards/format/std": 0.5**0.5,
            "rewards/length/std": (2 / 3 - 0.5) / 2**0.5,
            "frac_reward_zero_std": 0.0,
        }
    )
    assert [one.told["frac_reward_zero_std"] for one in ready] == [0.0, 0.0, 1.0, 1.0]
    assert ready[0].advantage == -ready[1].advantage > 0
    assert [grpo(told, writer).learns_from(one) for one in ready] == [True, True, False, False]


def test_held_out_questions_are_answered_once_and_without_lots() -> None:
    writer = Scripted("abc", "zyx")
    method = grpo(recipe(), writer)

    ready = method.prepare(moment(None), [question(row) for row in (1, 2, 3, 4)])

    assert writer.drawn_by == [None]
    assert method.shown_loss is not None
    assert method.shown_loss(ready) == 0.5


def test_each_token_of_an_answer_is_pushed_by_its_advantage() -> None:
    method = grpo(recipe(num_generations=2), Scripted("abc", "zyxwv"))
    ready = list(method.prepare(moment(0), [question(1)]))
    batch = make_batch([row for one in ready for row in one.sequences])
    losses = torch.rand(len(batch.targets), requires_grad=True)

    loss, _ = method.loss(Part(ready, batch, losses))
    loss.backward()  # type: ignore[no-untyped-call]

    up, down = (one.advantage for one in ready)
    assert losses.grad is not None
    # The gradient by the loss of a token, which is minus its log-probability.
    assert losses.grad.tolist() == pytest.approx([up] * 4 + [down] * 6)
    assert float(loss.detach()) == pytest.approx(-(4 * up + 6 * down))
    assert [method.weight(one) for one in ready] == [4.0, 6.0]


def test_a_question_is_what_the_model_is_asked(loaded: LoadedModel) -> None:
    row = chat("Say red.", "red", row=3)
    asked_alone = row.model_copy(update={"messages": row.messages[:1]})
    match = recipe(rewards=[LETTERS, {"name": "exact_match"}]).rewards

    with_answer, alone = (
        encode_prompts([one], loaded.tokenizer, match[:count])[0]
        for one, count in ((row, 2), (asked_alone, 1))
    )

    (sequence,) = with_answer.sequences
    assert loaded.tokenizer.decode(sequence.input_ids) == prompt_text(row, loaded.tokenizer)
    assert sequence.labels == [IGNORED] * len(sequence.input_ids)
    assert with_answer.sequences == alone.sequences
    assert (with_answer.expected, alone.expected) == (((), ("red",)), ((),))
    with pytest.raises(DatasetError, match="Row 3 has no right answer in its last turn"):
        encode_prompts([asked_alone], loaded.tokenizer, match)


def test_a_row_that_asks_nothing_is_refused(loaded: LoadedModel) -> None:
    text = chat("", "Once upon a time", row=5)
    rows = [text.model_copy(update={"messages": text.messages[1:]}), Conversation(row=5)]

    for row in rows:
        with pytest.raises(DatasetError, match="Row 5 asks nothing"):
            encode_prompts([row], loaded.tokenizer, ())


def test_questions_leave_room_for_the_answer() -> None:
    short, long = question(1, 4), question(2, 5)

    assert fit_prompts([short, long], 6, max_length=10, long_rows="leave_out") == ([short], [2])
    for way in ("refuse", "cut"):
        with pytest.raises(TrainingError, match="Row 2 asks in 5 tokens, and with 6 of"):
            fit_prompts([short, long], 6, max_length=10, long_rows=way)


Rows = tuple[Path, Path]


@pytest.fixture
def questions(workspace: Workspace) -> Rows:
    """Questions without answers: 64 to learn from and 8 to watch."""
    asked = [row.model_copy(update={"messages": row.messages[:1]}) for row in colour_chats(72)]
    return (
        write_version(workspace.datasets, "train", asked[:64]),
        write_version(workspace.datasets, "validation", asked[64:]),
    )


@pytest.mark.slow
def test_the_mean_reward_rises_within_thirty_steps(
    source: ModelSource, questions: Rows, tmp_path: Path
) -> None:
    listener = Listener()

    report = train(recipe(source.name), source, questions, tmp_path, progress=listener)

    rewards = list(listener.values("reward").values())
    assert report.steps == 32
    assert sum(rewards[-5:]) > 2 * sum(rewards[:5])
    assert report.eval_loss == min(listener.values("eval_loss").values()) < 0.5
    assert listener.values("loss")[32] == pytest.approx(1 - rewards[-1])


@pytest.mark.slow
def test_a_run_that_goes_on_writes_the_answers_it_would_have_written(
    source: ModelSource, questions: Rows, tmp_path: Path
) -> None:
    told = recipe(source.name, num_train_epochs=1, lora_dropout=0.1, temperature=0.9)
    whole, first, second = Listener(), Listener(stop_after=3), Listener()
    expected = train(told, source, questions, tmp_path / "whole", progress=whole)

    with pytest.raises(Cancelled):
        train(told, source, questions, tmp_path / "part", progress=first)
    resumed = train(told, source, questions, tmp_path / "part", progress=second)

    assert resumed.resumed_from_step == 4
    assert first.values("reward") | second.values("reward") == whole.values("reward")
    assert resumed.adapter_sha256 == expected.adapter_sha256


@pytest.mark.slow
def test_rows_that_are_too_long_are_told(
    source: ModelSource, questions: Rows, tmp_path: Path
) -> None:
    told = recipe(source.name, max_completion_length=50)

    with pytest.raises(TrainingError, match="All 64 rows and an answer of 50 tokens are longer"):
        train(told, source, questions, tmp_path)
