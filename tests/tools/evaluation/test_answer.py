from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tools.data.conversation import Conversation, Message
from tools.errors import EvaluationError
from tools.evaluation.answer import AnsweredRow, answer_heldout, speaking_as
from tools.evaluation.row_losses import row_losses
from tools.progress import Cancelled, NoProgress
from tools.training.encode import EncodedRow, encode

# peft's own, when it wraps a model of this transformers.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")

TEXT = "red blue green apple sky grass is the <think> hmm </think> one two three four five"
WORDS = TEXT.split()
SPECIAL = ["<end>", "<eos>", "<pad>"]
# A turn is its words; an answer is closed by <end>, which is not the end-of-sequence token.
TEMPLATE = (
    "{% for m in messages %}{{ m.content + ' ' }}"
    "{% if m.role == 'assistant' %}<end>{% endif %}{% endfor %}"
)


def make_tokenizer(template: str | None = TEMPLATE, eos: str | None = "<eos>") -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: index for index, word in enumerate([*SPECIAL, *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="the"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        eos_token=eos,
        pad_token="<pad>",
        extra_special_tokens=["<end>"],
    )
    tokenizer.chat_template = template
    return tokenizer


def make_model(*, hidden: int = 32, seed: int = 0) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(SPECIAL) + len(WORDS),
            hidden_size=hidden,
            intermediate_size=2 * hidden,
            num_hidden_layers=2,
            num_attention_heads=1,
            num_key_value_heads=1,
            initializer_range=0.5,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=None,
            pad_token_id=None,
        )
    )


def make_speaker(tokenizer: Any, *sentences: str) -> Any:
    """A model that goes on from any word as the sentences do, and ends after their last."""
    import torch

    size = len(tokenizer)
    model = make_model(hidden=size + size % 2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        for name, parameter in model.named_parameters():
            if "norm" in name:
                parameter.fill_(1.0)
        model.model.embed_tokens.weight.fill_diagonal_(1.0)
        for sentence in sentences:
            ids = tokenizer(sentence, add_special_tokens=False).input_ids
            for word, following in pairwise(ids):
                model.lm_head.weight[following, word] = 1.0
    return model


def with_adapters(model: Any, *names: str) -> Any:
    import torch
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config, adapter_name=names[0])
    for name in names[1:]:
        adapted.add_adapter(name, config)
    torch.manual_seed(1)
    with torch.no_grad():
        for key, parameter in adapted.named_parameters():
            if "lora_B" in key:
                parameter.normal_(std=0.5)
    return adapted


def asked(*pairs: tuple[str, str]) -> list[Conversation]:
    return [
        Conversation(
            messages=(
                Message(role="user", content=question),
                Message(role="assistant", content=answer),
            ),
            row=10 * number,
        )
        for number, (question, answer) in enumerate(pairs, 1)
    ]


COLOURS = asked(("the red", "apple"), ("is the sky blue", "sky is the"), ("green", "grass"))


def answer(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Conversation] = COLOURS,
    candidates: Mapping[str, str | None] | None = None,
    **settings: Any,
) -> tuple[AnsweredRow, ...]:
    return answer_heldout(
        model, tokenizer, rows, candidates=candidates or {"base": None}, **settings
    )


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

    rows = answer(make_speaker(tokenizer, f"red apple {end} apple"), tokenizer, COLOURS[:1])

    assert (rows[0].answers, rows[0].stopped) == ({"base": "apple"}, {"base": True})


def test_the_model_may_name_an_end_of_its_own() -> None:
    tokenizer = make_tokenizer()
    model = make_speaker(tokenizer, "red apple sky is")
    model.generation_config.eos_token_id = [tokenizer.convert_tokens_to_ids("is")]

    rows = answer(model, tokenizer, COLOURS[:1])

    assert (rows[0].answers, rows[0].stopped) == ({"base": "apple sky is"}, {"base": True})


def test_without_a_template_the_turns_are_joined() -> None:
    tokenizer = make_tokenizer(template=None)

    rows = answer(make_speaker(tokenizer, "red apple <eos>"), tokenizer, COLOURS[:1])

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

    rows = answer(model, tokenizer, asked(("red", reference)))

    assert rows[0].answers == {"base": expected}


@pytest.mark.parametrize("batch_size", [2, 3, 16])
def test_the_batch_size_does_not_change_an_answer(batch_size: int) -> None:
    tokenizer = make_tokenizer()
    model = with_adapters(make_model(), "tuned")
    questions = [" ".join(WORDS[: 1 + 5 * index % 13]) for index in range(9)]
    rows = asked(*((question, "one two three") for question in questions))
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


def test_a_loss_is_the_mean_over_the_answer() -> None:
    tokenizer = make_tokenizer()
    model = make_model()
    rows = encode(COLOURS, tokenizer)

    losses = row_losses(model, rows, pad_token_id=tokenizer.pad_token_id)

    import torch

    for row, loss in zip(rows, losses, strict=True):
        alone = model(
            input_ids=torch.tensor([row.input_ids]), labels=torch.tensor([row.labels])
        ).loss
        assert loss == pytest.approx(alone.item(), abs=1e-5)
    assert row_losses(model, rows, pad_token_id=0, batch_size=1) == pytest.approx(losses, abs=1e-5)


def test_a_model_that_knows_nothing_loses_the_logarithm_of_its_vocabulary() -> None:
    tokenizer = make_tokenizer()

    losses = row_losses(make_speaker(tokenizer), encode(COLOURS, tokenizer), pad_token_id=2)

    # ln 19 = 2.944: all 19 words are equally likely.
    assert losses == pytest.approx([2.9444] * 3, abs=1e-4)


def test_losses_are_those_of_the_adapter_that_speaks() -> None:
    tokenizer = make_tokenizer()
    rows = encode(COLOURS, tokenizer)
    plain = row_losses(make_model(), rows, pad_token_id=2)
    model = with_adapters(make_model(), "tuned")

    with speaking_as(model, None):
        base = row_losses(model, rows, pad_token_id=2)
    with speaking_as(model, "tuned"):
        tuned = row_losses(model, rows, pad_token_id=2)

    assert base == pytest.approx(plain, abs=1e-5)
    assert tuned != pytest.approx(plain, abs=1e-2)


def test_a_row_without_an_answer_has_no_loss() -> None:
    row = EncodedRow(row=7, input_ids=[1, 2, 3], labels=[-100, -100, -100])

    with pytest.raises(EvaluationError, match="Row 7 has no answer"):
        row_losses(make_model(), [row], pad_token_id=2)


def test_importing_it_does_not_load_the_training_stack() -> None:
    import subprocess
    import sys

    modules = "answer, compare, gate, report, row_losses, scores, verdict"
    probe = (
        f"import sys; from tools.evaluation import {modules}; "
        "print(*{'torch', 'transformers', 'trl', 'peft', 'scipy', 'rouge_score'} & {*sys.modules})"
    )
    root = Path(__file__).parents[3]

    result = subprocess.run(
        [sys.executable, "-c", probe], cwd=root, capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == ""
