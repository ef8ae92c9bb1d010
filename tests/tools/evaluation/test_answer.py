from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.colours import chat
from tests.tools.evaluation.speakers import (
    WORDS,
    make_model,
    make_speaker,
    make_tokenizer,
    with_adapters,
)
from tools.data.conversation import Conversation, Message
from tools.data.conversation_text import prompt_key
from tools.errors import EvaluationError
from tools.evaluation.answer import AnsweredRow, answer_heldout
from tools.progress import Cancelled, NoProgress

CHATS = [
    chat("the red", "apple", 10),
    chat("is the sky blue", "sky is the", 20),
    chat("green", "grass", 30),
]


def answer(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Conversation] = CHATS,
    candidates: Mapping[str, str | None] | None = None,
    **settings: Any,
) -> tuple[AnsweredRow, ...]:
    candidates = candidates or {"base": None}
    return answer_heldout(model, tokenizer, conversations=rows, candidates=candidates, **settings)


def test_answers_come_in_order_and_end_with_the_turn() -> None:
    tokenizer = make_tokenizer()
    model = make_speaker(tokenizer, "red apple <end>", "blue sky <end>", "green grass grass")

    rows = answer(model, tokenizer, batch_size=2)

    # The longest reference has 3 tokens, so 3 * 5 // 4 + 8 = 11 may be written.
    assert rows == (
        AnsweredRow(
            row=10,
            prompt="the red",
            reference="apple",
            answers={"base": "apple"},
            stopped={"base": True},
        ),
        AnsweredRow(
            row=20,
            prompt="is the sky blue",
            reference="sky is the",
            answers={"base": "sky"},
            stopped={"base": True},
        ),
        AnsweredRow(
            row=30,
            prompt="green",
            reference="grass",
            answers={"base": " ".join(["grass"] * 11)},
            stopped={"base": False},
        ),
    )


@pytest.mark.parametrize("end", ["<end>", "<eos>"])
def test_the_template_and_the_tokenizer_both_know_how_an_answer_ends(end: str) -> None:
    tokenizer = make_tokenizer()

    rows = answer(make_speaker(tokenizer, f"red apple {end} apple"), tokenizer, CHATS[:1])

    assert (rows[0].answers, rows[0].stopped) == ({"base": "apple"}, {"base": True})


def test_the_model_may_name_an_end_of_its_own() -> None:
    tokenizer = make_tokenizer()
    model = make_speaker(tokenizer, "red apple sky is")
    model.generation_config.eos_token_id = [tokenizer.convert_tokens_to_ids("is")]

    rows = answer(model, tokenizer, CHATS[:1])

    assert (rows[0].answers, rows[0].stopped) == ({"base": "apple sky is"}, {"base": True})


def test_without_a_template_the_turns_are_joined() -> None:
    tokenizer = make_tokenizer(template=None)

    rows = answer(make_speaker(tokenizer, "red apple <eos>"), tokenizer, CHATS[:1])

    assert rows[0].answers == {"base": "apple"}


def test_a_model_that_cannot_stop_is_refused() -> None:
    tokenizer = make_tokenizer(template=None, eos=None)

    with pytest.raises(EvaluationError, match="no token that ends an answer"):
        answer(make_model(), tokenizer)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [("apple", "apple"), ("<think> hmm </think> apple", "<think> hmm </think> apple")],
)
def test_thoughts_count_only_where_the_reference_has_some(reference: str, expected: str) -> None:
    tokenizer = make_tokenizer()
    model = make_speaker(tokenizer, "red <think> hmm </think> apple <end>")

    rows = answer(model, tokenizer, [chat("red", reference)])

    assert rows[0].answers == {"base": expected}


@pytest.mark.parametrize("batch_size", [2, 3, 16])
def test_the_batch_size_does_not_change_an_answer(batch_size: int) -> None:
    tokenizer = make_tokenizer()
    model = with_adapters(make_model(), "tuned")
    questions = [" ".join(WORDS[: 1 + 5 * index % 13]) for index in range(9)]
    rows = [chat(question, "one two three") for question in questions]
    candidates = {"base": None, "tuned": "tuned"}

    alone = answer(model, tokenizer, rows, candidates, batch_size=1)

    assert answer(model, tokenizer, rows, candidates, batch_size=batch_size) == alone
    assert len({row.answers["tuned"] for row in alone}) > 3


def test_each_candidate_speaks_for_itself() -> None:
    tokenizer = make_tokenizer()
    plain = answer(make_model(), tokenizer)
    model = with_adapters(make_model(), "tuned", "champion")
    candidates = {"tuned": "tuned", "base": None, "today": "champion"}

    together = answer(model, tokenizer, candidates=candidates)

    assert [row.answers["base"] for row in together] == [row.answers["base"] for row in plain]
    assert len({tuple(row.answers[name] for row in together) for name in candidates}) == 3
    tuned_alone = answer(model, tokenizer, candidates={"tuned": "tuned"})
    assert [row.answers["tuned"] for row in together] == [
        row.answers["tuned"] for row in tuned_alone
    ]


def test_the_models_own_way_of_sampling_is_not_used() -> None:
    tokenizer = make_tokenizer()
    model = make_model()
    greedy = answer(model, tokenizer)
    model.generation_config.update(do_sample=True, temperature=9.0, repetition_penalty=5.0)

    assert answer(model, tokenizer) == greedy


@pytest.mark.parametrize("count", [0, 2])
def test_plain_text_is_not_answered(count: int) -> None:
    rows = [
        Conversation(messages=(Message(role="assistant", content="the sky"),), row=number)
        for number in range(1, count + 1)
    ]

    answered = answer(make_model(), make_tokenizer(), rows)

    assert answered == tuple(
        AnsweredRow(row=number, prompt="", reference="the sky", answers={}, stopped={})
        for number in range(1, count + 1)
    )


def test_several_turns_are_shown_with_their_roles() -> None:
    turns = (("system", "is"), ("user", "the"), ("assistant", "sky"), ("user", "red"))
    messages = [Message.model_validate({"role": r, "content": text}) for r, text in turns]
    row = Conversation(messages=(*messages, Message(role="assistant", content="apple")), row=1)
    tokenizer = make_tokenizer()

    rows = answer(make_speaker(tokenizer, "red apple <end>"), tokenizer, [row])

    assert rows[0].prompt == "system: is\nuser: the\nassistant: sky\nuser: red"
    assert rows[0].answers == {"base": "apple"}


def test_prompts_that_were_equal_for_the_split_are_equal_here() -> None:
    said = [("the red",), ("The  RED\n",), ("red", "sky", "the"), ("RED", "Sky", "the "), ("sky",)]
    rows = [
        Conversation(
            messages=tuple(
                Message(role="assistant" if place % 2 else "user", content=content)
                for place, content in enumerate((*turns, "apple"))
            ),
            row=number,
        )
        for number, turns in enumerate(said, 1)
    ]
    tokenizer = make_tokenizer()

    keys = [one.prompt_key for one in answer(make_speaker(tokenizer), tokenizer, rows)]

    equal_for_the_split = [[*map(prompt_key, rows)].index(prompt_key(row)) for row in rows]
    assert [keys.index(key) for key in keys] == equal_for_the_split == [0, 0, 2, 2, 4]


class Watched(NoProgress):
    """Keeps what it is told, and asks to stop at the given check."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.shares: list[float] = []
        self.left: list[float | None] = []
        self.checks = 0
        self._stop_at = stop_at

    def percent(self, done: float, seconds_left: float | None = None) -> None:
        self.shares.append(done)
        self.left.append(seconds_left)

    def check(self) -> None:
        self.checks += 1
        if self.checks == self._stop_at:
            raise Cancelled


def test_progress_is_told_after_every_batch() -> None:
    progress = Watched()
    model = with_adapters(make_model(), "tuned")

    candidates = {"base": None, "tuned": "tuned"}
    answer(model, make_tokenizer(), candidates=candidates, batch_size=2, progress=progress)

    assert progress.shares == [25, 50, 75, 100]
    assert progress.left[-1] == 0


def test_a_request_to_stop_is_heard_in_the_middle_of_an_answer() -> None:
    progress = Watched(stop_at=4)

    with pytest.raises(Cancelled):
        answer(make_model(), make_tokenizer(), progress=progress)

    assert progress.shares == []
