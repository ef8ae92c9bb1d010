import pytest

from tests.colours import chat
from tools.data.conversation import Conversation, Message
from tools.errors import DatasetError
from tools.training.encode import IGNORED, EncodedRow, row_encoder
from tools.training.encode_examples import encode_examples, fit_examples
from tools.training.load_model import LoadedModel


def turn(role: str, content: str) -> Message:
    return Message.model_validate({"role": role, "content": content})


def pair(question: str, chosen: str, rejected: str, row: int = 1) -> Conversation:
    return Conversation(
        messages=(turn("user", question),),
        chosen=(turn("assistant", chosen),),
        rejected=(turn("assistant", rejected),),
        row=row,
    )


def judged(question: str, answer: str, *, good: bool, row: int) -> Conversation:
    return chat(question, answer, row=row).model_copy(update={"label": good})


def learned(row: EncodedRow, loaded: LoadedModel) -> str:
    tokens = [label for label in row.labels if label != IGNORED]
    return str(loaded.tokenizer.decode(tokens))


def test_of_a_pair_both_answers_are_learned_and_neither_the_question(loaded: LoadedModel) -> None:
    rows = [pair("Say red.", "red", "blue")]

    (example,) = encode_examples(rows, "pairs", row_encoder(loaded.tokenizer))

    assert [learned(one, loaded) for one in example.sequences] == [
        "red<|im_end|>",
        "blue<|im_end|>",
    ]
    first = [one.labels.index(next(t for t in one.labels if t >= 0)) for one in example.sequences]
    prompts = [one.input_ids[:at] for one, at in zip(example.sequences, first, strict=True)]
    assert prompts[0] == prompts[1]


def test_earlier_answers_of_a_pair_are_given_and_not_learned(loaded: LoadedModel) -> None:
    before = chat("Say one.", "one").messages
    row = pair("Say red.", "red", "blue")
    row = row.model_copy(update={"messages": (*before, *row.messages)})

    (example,) = encode_examples([row], "pairs", row_encoder(loaded.tokenizer))

    assert [learned(one, loaded) for one in example.sequences] == [
        "red<|im_end|>",
        "blue<|im_end|>",
    ]


def test_a_judged_answer_comes_with_the_answer_to_another_question(loaded: LoadedModel) -> None:
    rows = [
        judged("Say red.", "red", good=True, row=1),
        judged("Say red.", "pink", good=False, row=2),
        judged("Say blue.", "blue", good=True, row=3),
    ]

    examples = encode_examples(rows, "judged", row_encoder(loaded.tokenizer))

    assert [one.good for one in examples] == [True, False, True]
    assert [[learned(row, loaded) for row in one.sequences] for one in examples] == [
        ["red<|im_end|>", "blue<|im_end|>"],
        ["pink<|im_end|>", "blue<|im_end|>"],
        ["blue<|im_end|>", "red<|im_end|>"],
    ]


def test_a_pair_is_judged_as_a_good_and_a_bad_answer(loaded: LoadedModel) -> None:
    rows = [pair("Say red.", "red", "pink"), pair("Say blue.", "blue", "gray", row=2)]

    examples = encode_examples(rows, "judged", row_encoder(loaded.tokenizer))

    assert [(learned(one.sequences[0], loaded), one.good) for one in examples] == [
        ("red<|im_end|>", True),
        ("pink<|im_end|>", False),
        ("blue<|im_end|>", True),
        ("gray<|im_end|>", False),
    ]


@pytest.mark.parametrize("kind", ["pairs", "judged"])
def test_a_row_of_another_kind_is_named(loaded: LoadedModel, kind: str) -> None:
    rows = [pair("Say red.", "red", "pink"), chat("Say blue.", "blue", row=7)]

    with pytest.raises(DatasetError, match="Row 7 "):
        encode_examples(rows, kind, row_encoder(loaded.tokenizer))  # type: ignore[arg-type]


def test_answers_that_all_go_with_one_question_cannot_be_judged(loaded: LoadedModel) -> None:
    rows = [pair("Say red.", "red", "pink")]

    with pytest.raises(DatasetError, match="All rows ask the same"):
        encode_examples(rows, "judged", row_encoder(loaded.tokenizer))


def test_a_pair_is_too_long_when_one_of_its_answers_is(loaded: LoadedModel) -> None:
    rows = [pair("Say red.", "red", "blue"), pair("Say red.", "red", "blue " * 40, row=2)]
    examples = encode_examples(rows, "pairs", row_encoder(loaded.tokenizer))
    longest = max(len(one.input_ids) for one in examples[0].sequences)

    kept, too_long = fit_examples(examples, longest, "leave_out")

    assert kept == examples[:1]
    assert too_long == [2]
