import pytest
from trl.chat_template_utils import qwen3_chat_template as QWEN3

from tests.colours import chat
from tools.data.conversation import Conversation, Message
from tools.errors import ModelError, TrainingError
from tools.training.encode import IGNORED, EncodedRow, encode
from tools.training.load_model import LoadedModel
from tools.training.prove_masks import prove_masks
from tools.training.render import prompt_text

OPEN_ENDED = (
    "{%- for message in messages -%}"
    "{{ message['role'] + ': ' + message['content'] + '\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ 'assistant: ' }}{%- endif -%}"
)
FORGETFUL = """\
{%- for message in messages -%}
{%- if message['role'] == 'assistant' and not loop.last -%}{{ '<|im_start|>(dropped)<|im_end|>' }}
{%- else -%}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}"""


def trained_text(row: EncodedRow, loaded: LoadedModel) -> str:
    return str(loaded.tokenizer.decode([label for label in row.labels if label != IGNORED]))


def test_the_answer_and_its_end_are_in_the_loss_and_nothing_else(loaded: LoadedModel) -> None:
    (row,) = encode([chat("Say red.", "red")], loaded.tokenizer)

    assert trained_text(row, loaded) == "red<|im_end|>"


def test_what_is_asked_later_is_what_stands_before_the_answer(loaded: LoadedModel) -> None:
    conversation = chat("Say red.", "red")

    (row,) = encode([conversation], loaded.tokenizer)

    asked = loaded.tokenizer(prompt_text(conversation, loaded.tokenizer)).input_ids
    assert row.input_ids[: len(asked)] == asked
    assert row.labels[: len(asked)] == [IGNORED] * len(asked)
    assert row.labels[len(asked)] != IGNORED


def test_every_answer_of_a_long_conversation_is_in_the_loss(loaded: LoadedModel) -> None:
    turns = [("system", "Be brief."), ("user", "One?"), ("assistant", "1"), ("user", "Two?")]
    messages = tuple(
        Message(role=role, content=text) for role, text in [*turns, ("assistant", "2")]
    )

    (row,) = encode([Conversation(messages=messages, row=1)], loaded.tokenizer)

    assert trained_text(row, loaded) == "1<|im_end|>2<|im_end|>"


def test_a_template_that_rewrites_earlier_turns_trains_the_last_one_only(
    loaded: LoadedModel,
) -> None:
    loaded.tokenizer.chat_template = FORGETFUL
    turns = [("user", "One?"), ("assistant", "1"), ("user", "Two?"), ("assistant", "2")]
    messages = tuple(Message(role=role, content=text) for role, text in turns)

    (row,) = encode([Conversation(messages=messages, row=1)], loaded.tokenizer)

    assert trained_text(row, loaded) == "2<|im_end|>"


@pytest.fixture
def thinker(loaded: LoadedModel) -> LoadedModel:
    """A model whose template lets it think first, unless it is told not to."""
    loaded.tokenizer.chat_template = QWEN3
    return loaded


def test_a_model_that_could_think_first_is_asked_and_taught_to_answer_at_once(
    thinker: LoadedModel,
) -> None:
    conversation = chat("Say red.", "red")

    (row,) = encode([conversation], thinker.tokenizer)

    asked = prompt_text(conversation, thinker.tokenizer)
    assert asked.endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")
    assert thinker.tokenizer.decode(row.input_ids).startswith(asked)
    assert trained_text(row, thinker) == "red<|im_end|>"


def test_thoughts_that_stand_in_an_answer_are_asked_for_and_taught(thinker: LoadedModel) -> None:
    conversation = chat("Say red.", "<think>\nEasy.\n</think>\n\nred")

    (row,) = encode([conversation], thinker.tokenizer)

    asked = prompt_text(conversation, thinker.tokenizer)
    assert asked.endswith("<|im_start|>assistant\n")
    assert thinker.tokenizer.decode(row.input_ids).startswith(asked)
    assert trained_text(row, thinker) == "<think>\nEasy.\n</think>\n\nred<|im_end|>"


def test_plain_text_is_wholly_in_the_loss_and_closed(loaded: LoadedModel) -> None:
    text = Conversation(messages=(Message(role="assistant", content="Once upon"),), row=1)

    (row,) = encode([text], loaded.tokenizer)

    assert row.input_ids == row.labels
    assert row.input_ids[-1] == loaded.tokenizer.eos_token_id


def test_without_a_chat_template_turns_are_joined_by_line_breaks(loaded: LoadedModel) -> None:
    loaded.tokenizer.chat_template = None

    (row,) = encode([chat("Say red.", "red")], loaded.tokenizer)

    assert loaded.tokenizer.decode(row.input_ids) == "Say red.\nred<|im_end|>"
    assert trained_text(row, loaded) == "red<|im_end|>"


def test_a_template_that_cannot_render_the_turns_is_named(loaded: LoadedModel) -> None:
    loaded.tokenizer.chat_template = "{{ raise_exception('no system turns') }}"

    with pytest.raises(ModelError, match=r"turns of the roles user.*no system turns"):
        encode([chat("Say red.", "red")], loaded.tokenizer)


def test_the_proof_counts_what_is_in_the_loss(loaded: LoadedModel) -> None:
    rows = encode([chat("Say red.", "red"), chat("Say blue.", "blue", 2)], loaded.tokenizer)

    proof = prove_masks(rows, loaded.tokenizer, max_length=128)

    assert proof.rows == 2
    assert proof.end_of_turn == ("<|im_end|>",)
    assert proof.tokens_in_loss == sum(label != IGNORED for row in rows for label in row.labels)


def test_a_row_without_a_token_in_the_loss_is_refused_by_its_number(loaded: LoadedModel) -> None:
    loaded.tokenizer.chat_template = None
    rows = [EncodedRow(row=17, input_ids=[5, 6], labels=[IGNORED, IGNORED])]

    with pytest.raises(TrainingError, match="Row 17 has no token in the loss"):
        prove_masks(rows, loaded.tokenizer, max_length=128)


def test_an_end_of_turn_outside_the_loss_is_refused(loaded: LoadedModel) -> None:
    loaded.tokenizer.chat_template = OPEN_ENDED
    rows = encode([chat("Say red.", "red", row=4)], loaded.tokenizer)

    with pytest.raises(TrainingError, match="Row 4: the token that ends the answer"):
        prove_masks(rows, loaded.tokenizer, max_length=128)


def test_a_row_that_is_too_long_is_left_out_whole_and_named(loaded: LoadedModel) -> None:
    rows = encode([chat("Say red.", "red"), chat("x" * 400, "red", 9)], loaded.tokenizer)

    proof = prove_masks(rows, loaded.tokenizer, max_length=60)

    assert (proof.rows, proof.rows_too_long, proof.first_too_long) == (1, 1, (9,))


def test_no_row_that_fits_is_an_error_that_names_the_setting(loaded: LoadedModel) -> None:
    rows = encode([chat("x" * 400, "red")], loaded.tokenizer)

    with pytest.raises(TrainingError, match="Raise max_length"):
        prove_masks(rows, loaded.tokenizer, max_length=60)
