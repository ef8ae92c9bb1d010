"""Rows that stand one behind the other are read as if each stood alone."""

import copy
import random
from typing import Any

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    GPT2Config,
    LlamaConfig,
    MambaConfig,
    MistralConfig,
    PretrainedConfig,
    Qwen3Config,
)

from tools.training.encode import IGNORED, EncodedRow
from tools.training.padding_free import make_batch, padded_token_losses, token_losses
from tools.training.prove_rows import use_row_attention

SHAPE: dict[str, Any] = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
READ = {
    "llama": LlamaConfig(**SHAPE),
    "qwen3": Qwen3Config(**SHAPE),
    "mistral": MistralConfig(**SHAPE, sliding_window=8),
    "gpt2": GPT2Config(vocab_size=97, n_embd=32, n_layer=2, n_head=4, attn_pdrop=0, embd_pdrop=0),
}
NOT_READ = {
    "gemma2": Gemma2Config(**SHAPE, query_pre_attn_scalar=8),  # caps its attention's scores
    "mamba": MambaConfig(vocab_size=97, hidden_size=32, state_size=4, num_hidden_layers=2),
}


def build(config: PretrainedConfig) -> Any:
    torch.manual_seed(3)
    return AutoModelForCausalLM.from_config(copy.deepcopy(config)).eval()


def row(number: int, length: int) -> EncodedRow:
    draw = random.Random(number)
    ids = [draw.randrange(97) for _ in range(length)]
    return EncodedRow(number, ids, [IGNORED] * (length // 3) + ids[length // 3 :])


ROWS = [row(number, length) for number, length in enumerate([5, 31, 17, 2, 24])]


@pytest.mark.parametrize("name", READ)
def test_every_token_has_the_loss_it_has_in_padded_rows(name: str) -> None:
    model = build(READ[name])
    with torch.no_grad():
        padded = padded_token_losses(model, make_batch(ROWS))

        assert use_row_attention(model, ROWS) is None
        together = token_losses(model, make_batch(ROWS))

    assert torch.allclose(together, padded, atol=1e-5)


def test_the_gradients_are_the_same_too() -> None:
    gradients = []
    for padded in (True, False):
        model = build(READ["llama"])
        if not padded:
            assert use_row_attention(model, ROWS) is None
        read = padded_token_losses if padded else token_losses
        read(model, make_batch(ROWS)).sum().backward()
        gradients.append({name: one.grad for name, one in model.named_parameters()})

    for name, expected in gradients[0].items():
        assert torch.allclose(gradients[1][name], expected, atol=1e-4), name


@pytest.mark.parametrize("name", NOT_READ)
def test_a_model_that_would_mix_the_rows_is_left_as_it_is(name: str) -> None:
    model = build(NOT_READ[name])
    usual = model.config._attn_implementation
    with torch.no_grad():
        before = padded_token_losses(model, make_batch(ROWS))

        refusal = use_row_attention(model, ROWS)
        after = padded_token_losses(model, make_batch(ROWS))

    assert refusal
    assert model.config._attn_implementation == usual
    assert torch.equal(before, after)


def test_the_other_rows_of_a_batch_change_nothing() -> None:
    model = build(READ["llama"])
    assert use_row_attention(model, ROWS) is None
    with torch.no_grad():
        alone = token_losses(model, make_batch([ROWS[2]]))
        among = token_losses(model, batch := make_batch(ROWS))

    assert torch.allclose(among[batch.rows == 2], alone, atol=1e-5)


def test_scores_taken_in_parts_give_the_same_losses_and_gradients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = build(READ["llama"])
    assert use_row_attention(model, ROWS) is None
    whole = token_losses(model, make_batch(ROWS))
    (expected,) = torch.autograd.grad(whole.sum(), [model.get_input_embeddings().weight])

    monkeypatch.setattr("tools.training.padding_free._SCORES_AT_ONCE", 97 * 7)
    parts = token_losses(model, make_batch(ROWS))
    (found,) = torch.autograd.grad(parts.sum(), [model.get_input_embeddings().weight])

    assert torch.allclose(parts, whole, atol=1e-6)
    assert torch.allclose(found, expected, atol=1e-5)


def test_the_first_token_of_a_row_is_not_predicted() -> None:
    whole = EncodedRow(1, [7, 8, 9], [7, 8, 9])

    batch = make_batch([whole, whole])

    assert batch.targets.tolist() == [8, 9, 8, 9]
    assert batch.places.tolist() == [0, 1, 3, 4]
    assert batch.rows.tolist() == [0, 0, 1, 1]
    assert batch.position_ids.tolist() == [[0, 1, 2, 0, 1, 2]]


def test_weights_go_with_their_tokens() -> None:
    weighed = EncodedRow(1, [7, 8, 9], [IGNORED, 8, 9], [0.0, 2.0, 0.5])
    plain = EncodedRow(2, [4, 5], [IGNORED, 5])

    assert make_batch([weighed, plain]).weights.tolist() == [2.0, 0.5, 1.0]
