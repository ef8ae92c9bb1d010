import json
from pathlib import Path

import pytest
from transformers import AddedToken
from trl.chat_template_utils import gemma3_chat_template

from tests.colours import chat
from tools.errors import TrainingError
from tools.training.encode import IGNORED, EncodedRow, encode
from tools.training.end_of_turn import answer_stops, generation_stops
from tools.training.load_model import LoadedModel
from tools.training.prove_masks import prove_masks

ROW = chat("Say red.", "red")


@pytest.fixture(params=[True, False], ids=["special", "not special"])
def gemma(loaded: LoadedModel, request: pytest.FixtureRequest) -> LoadedModel:
    """A model whose template ends a turn with a token that its tokenizer does not name."""
    token = AddedToken("<end_of_turn>", special=request.param, normalized=False)
    loaded.tokenizer.add_tokens([token])
    loaded.tokenizer.chat_template = gemma3_chat_template
    return loaded


def end_of_turn(model: LoadedModel) -> int:
    end = model.tokenizer.convert_tokens_to_ids("<end_of_turn>")
    assert isinstance(end, int)
    return end


def test_proof_and_answering_agree_on_what_ends_a_turn(gemma: LoadedModel) -> None:
    end = end_of_turn(gemma)
    rows = encode([ROW], gemma.tokenizer)

    proof = prove_masks(rows, gemma.tokenizer, max_length=128, eos=[end])

    assert proof.end_of_turn == ("<end_of_turn>",)
    stops = answer_stops(rows[0], gemma.tokenizer, [end])
    assert stops == {end, gemma.tokenizer.eos_token_id}


@pytest.mark.parametrize("gemma", [True], indirect=True)
def test_a_special_token_ends_a_turn_though_nobody_names_it(gemma: LoadedModel) -> None:
    rows = encode([ROW], gemma.tokenizer)

    proof = prove_masks(rows, gemma.tokenizer, max_length=128)

    assert proof.end_of_turn == ("<end_of_turn>",)
    assert end_of_turn(gemma) in answer_stops(rows[0], gemma.tokenizer, None)


@pytest.mark.parametrize("gemma", [False], indirect=True)
def test_a_common_token_that_nobody_names_ends_no_turn(gemma: LoadedModel) -> None:
    rows = encode([ROW], gemma.tokenizer)

    with pytest.raises(TrainingError, match="would never learn to stop"):
        prove_masks(rows, gemma.tokenizer, max_length=128)
    assert end_of_turn(gemma) not in answer_stops(rows[0], gemma.tokenizer, None)


def test_a_special_token_with_words_behind_it_ends_no_turn(loaded: LoadedModel) -> None:
    words = loaded.tokenizer("red").input_ids
    end = int(loaded.tokenizer.convert_tokens_to_ids("<|im_end|>"))
    row = EncodedRow(row=1, input_ids=[7, end, *words], labels=[IGNORED, end, *words])

    with pytest.raises(TrainingError, match="would never learn to stop"):
        prove_masks([row], loaded.tokenizer, max_length=128)


@pytest.mark.parametrize(
    ("generation", "config", "ids"),
    [
        ({"eos_token_id": [5, 6]}, {"eos_token_id": 7}, {5, 6}),
        ({"eos_token_id": 5}, {}, {5}),
        ({}, {"eos_token_id": 7}, {7}),
        (None, {"eos_token_id": 7}, {7}),
        (None, {"eos_token_id": None}, set()),
        ({"eos_token_id": ["</s>", 5]}, {}, {5}),
    ],
)
def test_where_a_model_stops_is_read_from_its_files(
    tmp_path: Path,
    generation: dict[str, object] | None,
    config: dict[str, object],
    ids: set[int],
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    if generation is not None:
        path = tmp_path / "generation_config.json"
        path.write_text(json.dumps(generation), encoding="utf-8")

    assert generation_stops(tmp_path) == ids
