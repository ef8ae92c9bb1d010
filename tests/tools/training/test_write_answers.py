from collections import Counter
from typing import Any

import pytest
import torch
from transformers import LlamaForCausalLM

from tools.errors import TrainingError
from tools.training.encode import EncodedRow
from tools.training.load_model import LoadedModel
from tools.training.prove_rows import use_row_attention
from tools.training.row_attention import ROW_ATTENTION
from tools.training.write_answers import Answer, AnswerWriter

PROMPTS = ["Row 1: say red.", "Say blue.", "A much longer question than the others: say green?"]
WORDS = ["1", "2", "3"]


def ids(loaded: LoadedModel) -> list[list[int]]:
    return [list(loaded.tokenizer(text).input_ids) for text in PROMPTS]


def writer(loaded: LoadedModel, *, most_tokens: int = 6, temperature: float = 1.0) -> AnswerWriter:
    return AnswerWriter(loaded, eos=None, most_tokens=most_tokens, temperature=temperature)


def test_an_answer_is_the_same_whatever_is_written_beside_it(loaded: LoadedModel) -> None:
    asked, write = ids(loaded), writer(loaded)

    together = write.write(asked, WORDS, at_once=1_000)
    in_parts = write.write(asked, WORDS, at_once=1)
    turned = write.write(asked[::-1], WORDS[::-1], at_once=1_000)

    assert together == in_parts == turned[::-1]
    assert together != write.write(asked, ["4", "5", "6"], at_once=1_000)


def test_torch_s_generators_neither_matter_nor_move(loaded: LoadedModel) -> None:
    torch.manual_seed(1)
    first = writer(loaded).write(ids(loaded), WORDS, at_once=1_000)
    torch.manual_seed(2)
    before = torch.get_rng_state()

    assert writer(loaded).write(ids(loaded), WORDS, at_once=1_000) == first
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_as_often_as_the_model_says(
    loaded: LoadedModel, temperature: float
) -> None:
    (asked, *_), count = ids(loaded), 3_000
    write = writer(loaded, most_tokens=1, temperature=temperature)

    drawn = write.write([asked] * count, [str(one) for one in range(count)], at_once=100_000)

    with torch.no_grad():
        scores = loaded.model(torch.tensor([asked])).logits[0, -1]
    expected = (scores / temperature).softmax(-1) * count
    found = Counter(one.tokens[0] for one in drawn)
    for token, wanted in enumerate(expected.tolist()):
        assert abs(found[token] - wanted) < 5 * (wanted + 1) ** 0.5


def test_without_lots_the_likeliest_token_is_written(loaded: LoadedModel) -> None:
    (asked, *_), expected = ids(loaded), []
    with torch.no_grad():
        for _ in range(6):
            scores = loaded.model(torch.tensor([asked + expected])).logits[0, -1]
            expected.append(int(scores.argmax()))
            if expected[-1] == loaded.tokenizer.eos_token_id:
                break

    (answer,) = writer(loaded).write([asked], None, at_once=1_000)

    assert answer.tokens == expected
    assert answer.text == loaded.tokenizer.decode(expected, skip_special_tokens=True)


def test_an_answer_ends_with_the_token_that_ends_it(loaded: LoadedModel) -> None:
    end = loaded.tokenizer.eos_token_id
    count = 200

    answers = writer(loaded, most_tokens=20).write(
        [ids(loaded)[0]] * count, [str(one) for one in range(count)], at_once=10_000
    )

    ended = [one for one in answers if one.ended]
    assert 0 < len(ended) < count
    assert all(one.tokens[-1] == end and end not in one.tokens[:-1] for one in ended)
    assert all(len(one.tokens) == 20 for one in answers if not one.ended)
    assert all("<|im_end|>" not in one.text for one in answers)


def test_a_model_that_reads_padding_free_rows_writes_and_reads_them_again(
    loaded: LoadedModel,
) -> None:
    write = writer(loaded)
    expected: list[Answer] = write.write(ids(loaded), WORDS, at_once=1_000)
    rows = [EncodedRow(1, one, one) for one in ids(loaded)]
    assert use_row_attention(loaded.model, rows) is None
    loaded.model.train()

    assert write.write(ids(loaded), WORDS, at_once=1_000) == expected
    assert loaded.model.config._attn_implementation == ROW_ATTENTION
    assert loaded.model.training


@pytest.mark.parametrize("drawn_by", [None, WORDS])
def test_scores_that_are_no_numbers_end_the_run(
    loaded: LoadedModel, drawn_by: list[str] | None
) -> None:
    model: Any = loaded.model
    assert isinstance(model, LlamaForCausalLM)
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))

    with pytest.raises(TrainingError, match="scores are no numbers"):
        writer(loaded).write(ids(loaded), drawn_by, at_once=1_000)
