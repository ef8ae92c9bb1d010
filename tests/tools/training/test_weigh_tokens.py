from typing import Any

import pytest
import torch

from tests.colours import chat
from tools.training.encode import IGNORED, EncodedRow, encode
from tools.training.load_model import LoadedModel
from tools.training.weigh_tokens import WeighingCollator, columns_of, weighted_loss


def batch_of(rows: list[EncodedRow], pad: int) -> dict[str, Any]:
    """Return the rows as the trainer would give them to the loss."""
    from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

    columns = columns_of(rows, weighed=True)
    examples = [
        {name: values[place] for name, values in columns.items()} for place in range(len(rows))
    ]
    return WeighingCollator(DataCollatorForLanguageModeling(pad_token_id=pad))(examples)


def loss_of(rows: list[EncodedRow], loaded: LoadedModel) -> float:
    pad = loaded.tokenizer.pad_token_id
    assert isinstance(pad, int)
    with torch.no_grad():
        return float(weighted_loss(loaded.model, batch_of(rows, pad), return_outputs=False))


def weighing(row: EncodedRow, weight: float) -> EncodedRow:
    weights = [0.0 if label == IGNORED else weight for label in row.labels]
    return EncodedRow(row.row, row.input_ids, row.labels, weights)


@pytest.fixture
def rows(loaded: LoadedModel) -> list[EncodedRow]:
    return encode(
        [chat("Say red.", "red"), chat("Say blue, please.", "blue or so")], loaded.tokenizer
    )


def test_an_answer_of_weight_2_counts_as_if_it_stood_there_twice(
    rows: list[EncodedRow], loaded: LoadedModel
) -> None:
    red, blue = rows

    weighted = loss_of([red, weighing(blue, 2)], loaded)

    assert weighted == pytest.approx(loss_of([red, blue, blue], loaded), rel=1e-5)
    assert weighted != pytest.approx(loss_of([red, blue], loaded), rel=1e-3)


def test_an_answer_of_weight_0_counts_as_if_it_were_masked(
    rows: list[EncodedRow], loaded: LoadedModel
) -> None:
    red, blue = rows
    masked = EncodedRow(2, blue.input_ids, [IGNORED] * len(blue.labels))

    assert loss_of([red, weighing(blue, 0)], loaded) == pytest.approx(
        loss_of([red, masked], loaded), rel=1e-6
    )


def test_equal_weights_are_the_model_s_own_loss(
    rows: list[EncodedRow], loaded: LoadedModel
) -> None:
    pad = loaded.tokenizer.pad_token_id
    assert isinstance(pad, int)
    batch = batch_of(rows, pad)
    own: Any = loaded.model
    with torch.no_grad():
        plain = own(
            input_ids=batch["input_ids"],
            attention_mask=batch["attention_mask"],
            labels=batch["labels"],
        ).loss

    assert loss_of([weighing(row, 3) for row in rows], loaded) == pytest.approx(float(plain))


def test_rows_without_weights_have_no_column_of_them(rows: list[EncodedRow]) -> None:
    assert list(columns_of(rows, weighed=False)) == ["input_ids", "labels"]
