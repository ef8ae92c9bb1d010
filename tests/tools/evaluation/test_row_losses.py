import pytest
import torch

from tests.colours import chat
from tests.tools.evaluation.speakers import make_model, make_speaker, make_tokenizer, with_adapters
from tools.errors import EvaluationError
from tools.evaluation.answer import speaking_as
from tools.evaluation.row_losses import row_losses
from tools.training.encode import EncodedRow, encode

CHATS = [chat("the red", "apple"), chat("is the sky blue", "sky is the"), chat("green", "grass")]


def test_a_loss_is_the_mean_over_the_answer() -> None:
    tokenizer = make_tokenizer()
    model = make_model()
    rows = encode(CHATS, tokenizer)

    losses = row_losses(model, rows, pad_token_id=tokenizer.pad_token_id)

    for row, loss in zip(rows, losses, strict=True):
        alone = model(
            input_ids=torch.tensor([row.input_ids]), labels=torch.tensor([row.labels])
        ).loss
        assert loss == pytest.approx(alone.item(), abs=1e-5)
    assert row_losses(model, rows, pad_token_id=0, batch_size=1) == pytest.approx(losses, abs=1e-5)


def test_a_model_that_knows_nothing_loses_the_logarithm_of_its_vocabulary() -> None:
    tokenizer = make_tokenizer()

    losses = row_losses(make_speaker(tokenizer), encode(CHATS, tokenizer), pad_token_id=2)

    # ln 19 = 2.944: all 19 words are equally likely.
    assert losses == pytest.approx([2.9444] * 3, abs=1e-4)


def test_losses_are_those_of_the_adapter_that_speaks() -> None:
    tokenizer = make_tokenizer()
    rows = encode(CHATS, tokenizer)
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
